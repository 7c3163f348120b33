//! Requests that are decided together and committed as one entry.

use metadata::{MetadataImage, MetadataOffset, MetadataRecord, ReplayError, replay, replay_more};
use types::{BrokerEpoch, NodeId};

/// What became of a group: the image after its entry, or nothing.
pub(super) enum Fate<'a> {
    /// Committed. The offset is that of the entry, or of the image it was decided on if there was
    /// nothing to record.
    Committed {
        image: &'a MetadataImage,
        offset: MetadataOffset,
    },
    /// Not committed, or not known to be.
    Lost,
}

type Answer = Box<dyn FnOnce(&Fate<'_>) + Send>;

/// A group that is being put together.
pub(super) struct Group {
    base_offset: MetadataOffset,
    /// What the cluster will be once the entry is committed.
    image: MetadataImage,
    records: Vec<MetadataRecord>,
    bytes: usize,
    answers: Vec<Answer>,
    registered: Vec<NodeId>,
    heard: Vec<(NodeId, BrokerEpoch)>,
    must_confirm: bool,
}

impl Group {
    /// A group that will be committed at `offset`, if it has records.
    pub(super) fn new(base: &MetadataImage, offset: MetadataOffset) -> Result<Self, ReplayError> {
        let (image, _) = replay(base, offset, &[])?;
        Ok(Self {
            base_offset: base.offset(),
            image,
            records: Vec::new(),
            bytes: 0,
            answers: Vec::new(),
            registered: Vec::new(),
            heard: Vec::new(),
            must_confirm: false,
        })
    }

    /// What the next request is decided on.
    pub(super) const fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// Adds the records of one decision.
    ///
    /// # Errors
    /// They do not fit the image they were decided on, which is our mistake. Nothing is added.
    pub(super) fn record(&mut self, records: Vec<MetadataRecord>) -> Result<(), ReplayError> {
        if records.is_empty() {
            return Ok(());
        }
        let (image, _) = replay_more(&self.image, &records)?;
        self.image = image;
        self.bytes += records.iter().map(rpc::batch::encoded_len).sum::<usize>();
        self.records.extend(records);
        Ok(())
    }

    /// Adds somebody who is told what became of the group.
    pub(super) fn on_fate(&mut self, answer: impl FnOnce(&Fate<'_>) + Send + 'static) {
        self.answers.push(Box::new(answer));
    }

    /// Notes that a broker registers in this group, and says whether it is the first time: the offset
    /// of the entry becomes the broker's epoch, which two processes must never share.
    pub(super) fn register(&mut self, broker: NodeId) -> bool {
        let is_first = !self.registered.contains(&broker);
        self.registered.push(broker);
        is_first
    }

    /// Brokers that register in this group.
    pub(super) fn registered(&self) -> &[NodeId] {
        &self.registered
    }

    /// Notes that a heartbeat of this broker waits for the group.
    pub(super) fn hear(&mut self, broker: NodeId, epoch: BrokerEpoch) {
        self.heard.push((broker, epoch));
    }

    /// Brokers whose heartbeats wait for the group.
    pub(super) fn heard(&self) -> &[(NodeId, BrokerEpoch)] {
        &self.heard
    }

    /// An answer of this group may be given only by a controller that is certain to be active still,
    /// even if there is nothing to record.
    pub(super) const fn must_confirm(&mut self) {
        self.must_confirm = true;
    }

    pub(super) const fn needs_confirmation(&self) -> bool {
        self.must_confirm
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn answer_count(&self) -> usize {
        self.answers.len()
    }

    /// The records to propose.
    pub(super) fn take_records(&mut self) -> Vec<MetadataRecord> {
        std::mem::take(&mut self.records)
    }

    /// The metadata offset at which what has been decided so far is in force.
    pub(super) fn effective_offset(&self) -> MetadataOffset {
        // Without a record there will be no entry.
        match self.records.is_empty() {
            true => self.base_offset,
            false => self.image.offset(),
        }
    }

    /// Offset of the image that the group was decided on.
    pub(super) const fn base_offset(&self) -> MetadataOffset {
        self.base_offset
    }

    /// Tells everybody.
    pub(super) fn settle(self, fate: &Fate<'_>) {
        for answer in self.answers {
            answer(fate);
        }
    }
}

//! A group: members in processes of their own, and somebody who asks its coordinator again and again
//! how far it is.

mod member;
mod program;
mod sampler;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use client::Address;
use rustix::process::Signal;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::LoadSpec;
use crate::cluster::admin;
use crate::history::{Recorder, Tp};
use member::Member;
pub use program::{Program, Protocol, librdkafka};
use sampler::Sampler;

const LOOK_EVERY: Duration = Duration::from_millis(50);
const ON_THEIR_WAY: Duration = Duration::from_millis(200);
/// A member that is silent so long is given up.
pub const SESSION: Duration = Duration::from_secs(6);

/// What a group is.
#[derive(Debug, Clone)]
pub struct GroupSpec {
    /// Its name.
    pub name: String,
    /// How its members speak with the coordinator.
    pub protocol: Protocol,
}

/// See the module.
#[derive(Debug)]
pub struct Group {
    spec: GroupSpec,
    load: LoadSpec,
    bootstrap: Vec<Address>,
    recorder: Recorder,
    dir: PathBuf,
    members: Vec<Member>,
    sampler: JoinHandle<()>,
    stop: CancellationToken,
}

impl Group {
    /// A group without members, which will read what `load` writes. `dir` is for its files.
    #[must_use]
    pub fn start(
        spec: GroupSpec,
        load: &LoadSpec,
        bootstrap: &[Address],
        recorder: &Recorder,
        dir: &Path,
    ) -> Self {
        let stop = CancellationToken::new();
        let sampler = Sampler::new(&spec.name, load, bootstrap, recorder);
        Self {
            load: load.clone(),
            bootstrap: bootstrap.to_vec(),
            recorder: recorder.clone(),
            dir: dir.to_owned(),
            members: Vec::new(),
            sampler: tokio::spawn(sampler.run(stop.clone())),
            stop,
            spec,
        }
    }

    /// What it is.
    #[must_use]
    pub fn spec(&self) -> &GroupSpec {
        &self.spec
    }

    /// One more member. It has not joined yet when this returns.
    ///
    /// # Errors
    /// Its program cannot be started.
    pub async fn join(&mut self, program: Program) -> Result<()> {
        let command = program.command(&self.dir).await?;
        let number = self.members.len();
        let log = self.dir.join(format!("{}-{number}.log", self.spec.name));
        let member = Member::start(
            command,
            &log,
            &self.spec,
            &self.load,
            &self.bootstrap,
            &self.recorder,
        );
        self.members.push(member.await?);
        Ok(())
    }

    /// How many members it was given, gone ones too. They count from 0 in the order of their coming.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// A member goes as it should.
    ///
    /// # Errors
    /// It does not end, or not well.
    pub async fn leave(&mut self, member: usize) -> Result<()> {
        self.member(member)?.leave().await
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// There is no such member.
    pub async fn kill(&mut self, member: usize) -> Result<()> {
        self.member(member)?.kill().await
    }

    /// Its time stops (`SIGSTOP`).
    ///
    /// # Errors
    /// There is no such member.
    pub fn pause(&mut self, member: usize) -> Result<()> {
        self.member(member)?.signal(Signal::STOP);
        Ok(())
    }

    /// Its time goes on (`SIGCONT`).
    ///
    /// # Errors
    /// There is no such member.
    pub fn resume(&mut self, member: usize) -> Result<()> {
        self.member(member)?.signal(Signal::CONT);
        Ok(())
    }

    fn member(&mut self, number: usize) -> Result<&mut Member> {
        self.members.get_mut(number).context("no such member")
    }

    /// Waits until so many members own something, and together everything, as they say themselves.
    ///
    /// # Errors
    /// They do not in time.
    pub async fn until_shared(&mut self, count: usize, at_most: Duration) -> Result<()> {
        let deadline = Instant::now() + at_most;
        let all = self.load.partition_count;
        loop {
            let owned: Vec<usize> = self
                .members
                .iter()
                .map(|member| member.owned().len())
                .collect();
            let owners = owned.iter().filter(|owned| **owned > 0).count();
            if owners == count && owned.iter().sum::<usize>() == usize::try_from(all)? {
                return Ok(());
            }
            self.look(deadline, || {
                format!("{owned:?} of {all} partitions are owned")
            })?;
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until something was committed in every partition from now on.
    ///
    /// # Errors
    /// It was not in time.
    pub async fn until_committed(&mut self, at_most: Duration) -> Result<()> {
        // Members' words may be on their way.
        sleep(ON_THEIR_WAY).await;
        let since = self.recorder.now_ns();
        let deadline = Instant::now() + at_most;
        for tp in self.load.tps() {
            while self
                .recorder
                .last_committed_ns(&self.name(), &tp)
                .is_none_or(|at| at <= since)
            {
                self.look(deadline, || format!("nothing is committed in {tp}"))?;
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    /// After the last record was written: waits until everything is committed, ends the members and
    /// asks a last time.
    ///
    /// # Errors
    /// A record is not committed in time, or a member does not end well.
    pub async fn finish(mut self, at_most: Duration) -> Result<()> {
        let admin = admin(self.bootstrap.clone()).await?;
        let deadline = Instant::now() + at_most;
        let mut last = Sampler::new(&self.spec.name, &self.load, &self.bootstrap, &self.recorder);
        for index in 0..self.load.partition_count {
            let key = self.load.partition(index);
            let end = crate::scan::end_offset(&admin, &key).await?;
            while last
                .ask_for(index)
                .await
                .is_none_or(|committed| committed < end)
            {
                self.look(deadline, || format!("{key} is not committed up to {end}"))?;
                sleep(LOOK_EVERY).await;
            }
        }
        for member in &mut self.members {
            member.leave().await?;
        }
        last.ask().await;
        self.stop.cancel();
        Ok(self.sampler.await?)
    }

    /// What may go wrong while something is waited for.
    fn look(&mut self, deadline: Instant, what: impl Fn() -> String) -> Result<()> {
        let name = &self.spec.name;
        if Instant::now() >= deadline {
            let said: Vec<String> = self.members.iter().map(Member::to_string).collect();
            bail!("group {name}: {}: {}", what(), said.join("; "));
        }
        for member in &mut self.members {
            ensure!(
                !member.ended_by_itself(),
                "group {name}: {member} ended by itself"
            );
        }
        Ok(())
    }

    fn name(&self) -> Tp {
        self.spec.name.as_str().into()
    }
}

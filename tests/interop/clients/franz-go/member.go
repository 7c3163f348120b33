package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// member is in a group until its standard input ends.
type member struct {
	client *kgo.Client
	mutex  sync.Mutex
	owned  []int32
	// open has the last record of each partition that was read and is not committed yet: what a
	// rebalance refuses is committed after it.
	open map[int32]*kgo.Record
}

func runMember(bootstrap string, request Request, in *bufio.Reader) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, in)
		cancel()
	}()
	m := &member{open: map[int32]*kgo.Record{}}
	session := time.Duration(request.SessionMs) * time.Millisecond
	balancer := kgo.RangeBalancer()
	if request.Assignor != "range" {
		balancer = kgo.CooperativeStickyBalancer()
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(request.Group), kgo.ConsumeTopics(request.Topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100 * time.Millisecond),
		// A rebalance waits until what was polled is committed.
		kgo.BlockRebalanceOnPoll(), kgo.RebalanceTimeout(20 * time.Second),
		kgo.OnPartitionsAssigned(m.onAssigned), kgo.OnPartitionsRevoked(m.onRevoked), kgo.OnPartitionsLost(m.onRevoked),
	}
	if request.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	} else {
		options = append(options, kgo.SessionTimeout(session), kgo.HeartbeatInterval(session/6), kgo.Balancers(balancer))
	}
	if request.Instance != "" {
		options = append(options, kgo.InstanceID(request.Instance))
	}
	m.client = connect(bootstrap, options...)
	for ctx.Err() == nil {
		m.turn(ctx)
	}
	m.client.CloseAllowingRebalance()
	say("left", true)
}

func (m *member) turn(ctx context.Context) {
	defer m.client.AllowRebalance()
	polling, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	fetches := m.client.PollRecords(polling, 100)
	if ctx.Err() != nil {
		return
	}
	fetches.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) {
			say("error", fmt.Sprintf("%s-%d: %v", topic, partition, err))
		}
	})
	read := [][]any{}
	fetches.EachRecord(func(record *kgo.Record) {
		read = append(read, []any{record.Partition, record.Offset, string(record.Value)})
	})
	if len(read) > 0 {
		say("read", read)
	}
	m.commit(fetches.Records())
}

func (m *member) commit(read []*kgo.Record) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, record := range read {
		m.open[record.Partition] = record
	}
	if len(m.open) == 0 {
		return
	}
	next := map[int32]int64{}
	for partition, record := range m.open {
		next[partition] = record.Offset + 1
	}
	if err := m.client.CommitRecords(deadline(), slices.Collect(maps.Values(m.open))...); err != nil {
		// Nothing unusual while members come and go.
		say("uncommitted", err.Error())
		return
	}
	clear(m.open)
	say("committed", next)
}

func (m *member) onAssigned(_ context.Context, client *kgo.Client, added map[string][]int32) {
	m.own(client, func(owned []int32) []int32 {
		for _, partitions := range added {
			owned = append(owned, partitions...)
		}
		return owned
	})
}

func (m *member) onRevoked(_ context.Context, client *kgo.Client, removed map[string][]int32) {
	m.own(client, func(owned []int32) []int32 {
		for _, partitions := range removed {
			for _, partition := range partitions {
				delete(m.open, partition)
			}
			owned = slices.DeleteFunc(owned, func(one int32) bool { return slices.Contains(partitions, one) })
		}
		return owned
	})
}

func (m *member) own(client *kgo.Client, change func([]int32) []int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.owned = change(m.owned)
	slices.Sort(m.owned)
	id, generation := client.GroupMetadata()
	line, err := json.Marshal(map[string]any{"owns": append([]int32{}, m.owned...), "member": id, "generation": generation})
	check(err)
	sayLine(line)
}

func say(event string, what any) {
	line, err := json.Marshal(map[string]any{event: what})
	check(err)
	sayLine(line)
}

var saying sync.Mutex

func sayLine(line []byte) {
	saying.Lock()
	defer saying.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

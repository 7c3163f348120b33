package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
}

func runMember(bootstrap string, request Request, in *bufio.Reader) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, in)
		cancel()
	}()
	m := &member{}
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
	fetches := m.client.PollRecords(ctx, 100)
	if ctx.Err() != nil {
		return
	}
	fetches.EachError(func(topic string, partition int32, err error) {
		say("error", fmt.Sprintf("%s-%d: %v", topic, partition, err))
	})
	read, next := [][]any{}, map[int32]int64{}
	fetches.EachRecord(func(record *kgo.Record) {
		read = append(read, []any{record.Partition, record.Offset, string(record.Value)})
		next[record.Partition] = record.Offset + 1
	})
	if len(read) == 0 {
		return
	}
	say("read", read)
	if err := m.client.CommitRecords(deadline(), fetches.Records()...); err != nil {
		// Nothing unusual while members come and go: what was read is read again.
		say("uncommitted", err.Error())
		return
	}
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

// franz-go. See ../../README.md for what a client program does.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const timeout = 30 * time.Second

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// Record is a line of the records file, and of what consume writes.
type Record struct {
	Offset    int64        `json:"offset"`
	Timestamp int64        `json:"timestamp"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers"`
}

// Request is what the harness asks for; each step uses some of it.
type Request struct {
	Topics     json.RawMessage
	Partitions int32
	Partition  int32
	Records    string
	Out        string
	Timestamps []int64
	Group      string
	Topic      string
	Protocol   string
	Assignor   string
	Instance   string
	SessionMs  int `json:"session_ms"`
	Delete     bool
}

// Outcomes has an error per topic, or null.
type Outcomes map[string]*string

func (o Outcomes) set(topic string, err error) {
	o[topic] = nil
	if err != nil {
		text := err.Error()
		o[topic] = &text
	}
}

func main() {
	var request Request
	in := bufio.NewReader(os.Stdin)
	line, _ := in.ReadBytes('\n')
	check(json.Unmarshal(line, &request))
	if os.Args[1] == "member" {
		runMember(os.Args[2], request, in)
		return
	}
	answer := map[string]func(string, Request) any{
		"codecs": listCodecs, "create": create, "produce": produce, "consume": consume, "offsets": offsets,
		"group": lookAtGroup,
	}[os.Args[1]](os.Args[2], request)
	check(json.NewEncoder(os.Stdout).Encode(answer))
}

func listCodecs(string, Request) any {
	names := []string{}
	for name := range codecs {
		names = append(names, name)
	}
	return names
}

func create(bootstrap string, request Request) any {
	client := connect(bootstrap)
	defer client.Close()
	outcomes := Outcomes{}
	created, err := kadm.NewClient(client).CreateTopics(context.Background(), request.Partitions, 1, nil, names(request)...)
	check(err)
	for _, one := range created {
		outcomes.set(one.Topic, one.Err)
	}
	return outcomes
}

func produce(bootstrap string, request Request) any {
	records := readRecords(request.Records)
	outcomes := Outcomes{}
	for topic, codec := range topicsWith[string](request) {
		outcomes.set(topic, produceAll(bootstrap, topic, request.Partition, codecs[codec], records))
	}
	return outcomes
}

func produceAll(bootstrap, topic string, partition int32, codec kgo.CompressionCodec, records []Record) error {
	client := connect(bootstrap,
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerLinger(20*time.Millisecond))
	defer client.Close()
	var batch []*kgo.Record
	for _, record := range records {
		headers := []kgo.RecordHeader{}
		for _, header := range record.Headers {
			headers = append(headers, kgo.RecordHeader{Key: *header[0], Value: unpack(header[1])})
		}
		batch = append(batch, &kgo.Record{
			Topic: topic, Partition: partition, Timestamp: time.UnixMilli(record.Timestamp),
			Key: unpack(record.Key), Value: unpack(record.Value), Headers: headers,
		})
	}
	return client.ProduceSync(deadline(), batch...).FirstErr()
}

func consume(bootstrap string, request Request) any {
	outcomes := Outcomes{}
	for topic, count := range topicsWith[int](request) {
		outcomes.set(topic, consumeAll(bootstrap, topic, request.Partition, count, request.Out))
	}
	return outcomes
}

func consumeAll(bootstrap, topic string, partition int32, count int, out string) error {
	from := map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(0)}}
	client := connect(bootstrap, kgo.ConsumePartitions(from), kgo.FetchMaxWait(100*time.Millisecond))
	defer client.Close()
	file, err := os.Create(filepath.Join(out, topic))
	check(err)
	defer file.Close()
	lines := json.NewEncoder(file)
	ctx := deadline()
	for seen := 0; seen < count; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			seen++
			headers := [][2]*string{}
			for _, header := range record.Headers {
				headers = append(headers, [2]*string{&header.Key, pack(header.Value)})
			}
			check(lines.Encode(Record{record.Offset, record.Timestamp.UnixMilli(), pack(record.Key), pack(record.Value), headers}))
		})
	}
	return nil
}

func offsets(bootstrap string, request Request) any {
	client := connect(bootstrap)
	defer client.Close()
	admin := kadm.NewClient(client)
	answer := map[string]any{}
	for _, topic := range names(request) {
		at := func(listed kadm.ListedOffsets, err error) int64 {
			check(err)
			check(listed.Error())
			offset, _ := listed.Lookup(topic, request.Partition)
			return offset.Offset
		}
		// kadm answers with the end where nothing is found.
		end := at(admin.ListEndOffsets(deadline(), topic))
		found := []int64{}
		for _, timestamp := range request.Timestamps {
			offset := at(admin.ListOffsetsAfterMilli(deadline(), timestamp, topic))
			if offset == end {
				offset = -1
			}
			found = append(found, offset)
		}
		answer[topic] = map[string]any{
			"earliest":      at(admin.ListStartOffsets(deadline(), topic)),
			"latest":        end,
			"timestamps":    found,
			"max_timestamp": at(admin.ListMaxTimestampOffsets(deadline(), topic)),
		}
	}
	return answer
}

func connect(bootstrap string, options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(bootstrap))...)
	check(err)
	return client
}

func deadline() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	time.AfterFunc(timeout, cancel)
	return ctx
}

func names(request Request) []string {
	var names []string
	check(json.Unmarshal(request.Topics, &names))
	return names
}

func topicsWith[V any](request Request) map[string]V {
	var topics map[string]V
	check(json.Unmarshal(request.Topics, &topics))
	return topics
}

func readRecords(path string) []Record {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	var records []Record
	for decoder := json.NewDecoder(bufio.NewReader(file)); decoder.More(); {
		var record Record
		check(decoder.Decode(&record))
		records = append(records, record)
	}
	return records
}

func pack(field []byte) *string {
	if field == nil {
		return nil
	}
	text := base64.StdEncoding.EncodeToString(field)
	if len(field) > 1024 {
		sum := sha256.Sum256(field)
		text = "sha256:" + hex.EncodeToString(sum[:])
	}
	return &text
}

func unpack(text *string) []byte {
	if text == nil {
		return nil
	}
	field, err := base64.StdEncoding.DecodeString(*text)
	check(err)
	return field
}

func check(err error) {
	if err != nil {
		log.Output(2, fmt.Sprint(err))
		os.Exit(1)
	}
}

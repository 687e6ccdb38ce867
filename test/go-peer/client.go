package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Longer than any command of a test takes.
const commandTimeout = 60 * time.Second

type header struct {
	Key   string `json:"key"`
	Value []byte `json:"valueBase64"`
}

// A record as the tests write and read it; nil bytes are Kafka's null.
type record struct {
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Key       []byte   `json:"keyBase64"`
	Value     []byte   `json:"valueBase64"`
	Headers   []header `json:"headers"`
}

type onTopic struct {
	BootstrapServers string   `json:"bootstrapServers"`
	Topic            string   `json:"topic"`
	Compression      string   `json:"compression"`
	Isolation        string   `json:"isolation"`
	Outcome          string   `json:"outcome"`
	Partitions       int32    `json:"partitions"`
	Records          []record `json:"records"`
}

var codecs = map[string]kgo.CompressionCodec{
	"":       kgo.NoCompression(),
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func connect(arguments json.RawMessage, further ...kgo.Opt) (*kgo.Client, onTopic, error) {
	var a onTopic
	if err := json.Unmarshal(arguments, &a); err != nil {
		return nil, a, err
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(a.BootstrapServers, ",")...),
		kgo.DefaultProduceTopic(a.Topic),
		kgo.ProducerBatchCompression(codecs[a.Compression]),
		// The defaults of seconds would be what tests wait for.
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
	}
	client, err := kgo.NewClient(append(options, further...)...)
	return client, a, err
}

func toProduce(records []record) []*kgo.Record {
	result := make([]*kgo.Record, 0, len(records))
	for _, r := range records {
		headers := make([]kgo.RecordHeader, 0, len(r.Headers))
		for _, h := range r.Headers {
			headers = append(headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		result = append(result, &kgo.Record{
			Key: r.Key, Value: r.Value, Headers: headers, Timestamp: time.UnixMilli(r.Timestamp),
		})
	}
	return result
}

func describe(r *kgo.Record) record {
	headers := make([]header, 0, len(r.Headers))
	for _, h := range r.Headers {
		headers = append(headers, header{h.Key, h.Value})
	}
	return record{r.Partition, r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, headers}
}

// Writes with idempotence, which is franz-go's default, and returns the records with their places.
func produce(arguments json.RawMessage) (any, error) {
	client, a, err := connect(arguments)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return written(client, a)
}

func written(client *kgo.Client, a onTopic) ([]record, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	places := make([]record, 0, len(a.Records))
	// Results come in the order of the partitions' acknowledgements; the records are those that were given.
	records := toProduce(a.Records)
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, err
	}
	for _, r := range records {
		places = append(places, describe(r))
	}
	return places, nil
}

// Writes one transaction and commits or aborts it.
func transaction(arguments json.RawMessage) (any, error) {
	client, a, err := connect(arguments, kgo.TransactionalID(fmt.Sprint("go-peer-", time.Now().UnixNano())))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		return nil, err
	}
	places, err := written(client, a)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	return places, client.EndTransaction(ctx, kgo.TransactionEndTry(a.Outcome == "commit"))
}

// Reads a topic from its start to where it ended at the call. Markers are read too, since the end may be one.
func consume(arguments json.RawMessage) (any, error) {
	var a onTopic
	if err := json.Unmarshal(arguments, &a); err != nil {
		return nil, err
	}
	isolation := kgo.ReadCommitted()
	if a.Isolation == "read_uncommitted" {
		isolation = kgo.ReadUncommitted()
	}
	client, _, err := connect(arguments,
		kgo.ConsumeTopics(a.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(isolation),
		kgo.FetchMaxWait(200*time.Millisecond),
		kgo.KeepControlRecords(),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	listed, err := kadm.NewClient(client).ListEndOffsets(ctx, a.Topic)
	if err != nil {
		return nil, err
	}
	missing := make(map[int32]int64)
	for partition, end := range listed[a.Topic] {
		if end.Err != nil {
			return nil, end.Err
		}
		if end.Offset > 0 {
			missing[partition] = end.Offset
		}
	}
	records := []record{}
	for len(missing) > 0 {
		fetches := client.PollFetches(ctx)
		if errors := fetches.Errors(); len(errors) > 0 {
			return nil, errors[0].Err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= missing[r.Partition] {
				delete(missing, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, describe(r))
			}
		})
	}
	return map[string]any{"records": records}, nil
}

func createTopic(arguments json.RawMessage) (any, error) {
	client, a, err := connect(arguments)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	response, err := kadm.NewClient(client).CreateTopic(ctx, a.Partitions, -1, nil, a.Topic)
	if err != nil {
		return nil, err
	}
	return map[string]any{}, response.Err
}

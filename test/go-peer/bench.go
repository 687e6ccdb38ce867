package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What to do; test/bench/programs/client.ts has it in full.
type benchTask struct {
	Bench            string `json:"bench"`
	BootstrapServers string `json:"bootstrapServers"`
	Topic            string `json:"topic"`
	JSON             bool   `json:"json"`
	Count            int    `json:"count"`
	WarmUpMs         int    `json:"warmUpMs"`
	Windows          int    `json:"windows"`
	Entries          string `json:"entries"`
}

// A map that follows a topic by hand, guarded by a lock: raw bytes, or parsed JSON.
type benchTable struct {
	task      benchTask
	client    *kgo.Client
	admin     *kadm.Client
	onSet     func(any)
	lock      sync.RWMutex
	moved     *sync.Cond
	values    map[string]any
	positions map[int32]int64
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Measures franz-go in a process of its own, as test/bench/programs/main.ts does for clients in JavaScript.
func bench(text string) {
	var task benchTask
	check(json.Unmarshal([]byte(text), &task))
	switch task.Bench {
	case "catch-up":
		benchCatchUp(task)
	case "writes":
		benchWrites(task)
	case "sequential-writes":
		benchSequentialWrites(task)
	case "barrier":
		t := openBenchTable(task, nil)
		benchLatencies(task.Count, func(int) { t.barrier() })
	case "propagation":
		benchPropagation(task)
	case "idle":
		benchIdle(task)
	default:
		check(fmt.Errorf("there is no bench %s", task.Bench))
	}
}

func benchClient(task benchTask, further ...kgo.Opt) *kgo.Client {
	options := []kgo.Opt{kgo.SeedBrokers(strings.Split(task.BootstrapServers, ",")...), kgo.DefaultProduceTopic(task.Topic)}
	return must(kgo.NewClient(append(options, further...)...))
}

// Connects and returns when everything is there that was in the topic at the call.
func openBenchTable(task benchTask, onSet func(any)) *benchTable {
	client := benchClient(task,
		kgo.ConsumeTopics(task.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// As large as those of the other clients.
		kgo.FetchMaxBytes(67_108_864),
		kgo.FetchMaxPartitionBytes(4_194_304),
		kgo.FetchMaxWait(500*time.Millisecond),
	)
	t := &benchTable{
		task: task, client: client, admin: kadm.NewClient(client), onSet: onSet,
		values: map[string]any{}, positions: map[int32]int64{},
	}
	t.moved = sync.NewCond(&t.lock)
	ends := t.ends()
	go t.follow()
	t.reached(ends)
	return t
}

func (t *benchTable) ends() map[int32]int64 {
	ends := map[int32]int64{}
	must(t.admin.ListEndOffsets(context.Background(), t.task.Topic)).Each(func(o kadm.ListedOffset) {
		ends[o.Partition] = o.Offset
	})
	return ends
}

func (t *benchTable) follow() {
	for {
		fetches := t.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(_ string, _ int32, err error) { check(err) })
		t.lock.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			var value any = r.Value
			if t.task.JSON {
				check(json.Unmarshal(r.Value, &value))
			}
			t.values[string(r.Key)] = value
			t.positions[r.Partition] = r.Offset + 1
			if t.onSet != nil {
				t.onSet(value)
			}
		})
		t.lock.Unlock()
		t.moved.Broadcast()
	}
}

func (t *benchTable) reached(ends map[int32]int64) {
	t.lock.Lock()
	defer t.lock.Unlock()
	for partition, end := range ends {
		for t.positions[partition] < end {
			t.moved.Wait()
		}
	}
}

func (t *benchTable) barrier() {
	t.reached(t.ends())
}

func benchCatchUp(task benchTask) {
	before := benchMemory("VmRSS")
	started := time.Now()
	t := openBenchTable(task, nil)
	seconds := time.Since(started).Seconds()
	peak := benchMemory("VmHWM")
	debug.FreeOSMemory()
	rest := benchMemory("VmRSS") - before
	benchReport(map[string]float64{"seconds": seconds, "peak": peak, "rest": rest}, t.holds())
}

func (t *benchTable) holds() any {
	keys := make([]string, 0, len(t.values))
	for key := range t.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	digest := sha256.New()
	for _, key := range keys {
		value, isBytes := t.values[key].([]byte)
		if !isBytes {
			var text bytes.Buffer
			encoder := json.NewEncoder(&text)
			encoder.SetEscapeHTML(false)
			check(encoder.Encode(t.values[key]))
			value = bytes.TrimSuffix(text.Bytes(), []byte("\n"))
		}
		fmt.Fprintf(digest, "%s\n%s\n", key, value)
	}
	return map[string]any{"keys": len(keys), "digest": hex.EncodeToString(digest.Sum(nil))}
}

func benchReport(figures map[string]float64, contents any) {
	fmt.Println(string(must(json.Marshal(map[string]any{"figures": figures, "contents": contents}))))
}

// Bytes, from what Linux counts of this process.
func benchMemory(field string) float64 {
	for line := range strings.Lines(string(must(os.ReadFile("/proc/self/status")))) {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			return 1024 * must(strconv.ParseFloat(strings.Fields(rest)[0], 64))
		}
	}
	return math.NaN()
}

func benchEntries(task benchTask) []*kgo.Record {
	lines := strings.Split(string(must(os.ReadFile(task.Entries))), "\n")
	var records []*kgo.Record
	for i := 0; i+1 < len(lines); i += 2 {
		records = append(records, &kgo.Record{Key: []byte(lines[i]), Value: []byte(lines[i+1])})
	}
	return records
}

// Each record is acknowledged by itself, with 10 000 on their way, the first two times to warm up.
func benchWrites(task benchTask) {
	records := benchEntries(task)
	client := benchClient(task, kgo.MaxBufferedRecords(10_000))
	all := func() {
		var acknowledged sync.WaitGroup
		acknowledged.Add(len(records))
		for _, r := range records {
			client.Produce(context.Background(), &kgo.Record{Key: r.Key, Value: r.Value}, func(_ *kgo.Record, err error) {
				check(err)
				acknowledged.Done()
			})
		}
		acknowledged.Wait()
	}
	all()
	all()
	started := time.Now()
	all()
	benchReport(map[string]float64{"seconds": time.Since(started).Seconds()}, nil)
}

// Nothing is gathered, since nobody writes beside.
func benchSequentialWrites(task benchTask) {
	records := benchEntries(task)
	client := benchClient(task, kgo.ProducerLinger(0))
	benchLatencies(len(records), func(i int) {
		r := &kgo.Record{Key: records[i].Key, Value: records[i].Value}
		check(client.ProduceSync(context.Background(), r).FirstErr())
	})
}

func benchLatencies(count int, once func(int)) {
	var taken []float64
	for i := -(count / 10); i < count; i++ {
		started := time.Now()
		once(max(i, 0))
		if i >= 0 {
			taken = append(taken, time.Since(started).Seconds()*1000)
		}
	}
	benchReport(benchPercentiles(taken), nil)
}

func benchPercentiles(values []float64) map[string]float64 {
	slices.Sort(values)
	at := func(share float64) float64 { return values[min(len(values)-1, int(float64(len(values))*share))] }
	return map[string]float64{"p50": at(0.5), "p99": at(0.99)}
}

func benchPropagation(task benchTask) {
	var taken []float64
	counting := false
	done := make(chan []float64)
	t := openBenchTable(task, func(value any) {
		if !counting {
			return
		}
		written := must(strconv.ParseInt(string(value.([]byte)[:16]), 10, 64))
		taken = append(taken, float64(time.Now().UnixMicro()-written)/1000)
		if len(taken) == task.Count {
			counting = false
			done <- taken
		}
	})
	time.Sleep(time.Duration(task.WarmUpMs) * time.Millisecond)
	for range task.Windows {
		t.lock.Lock()
		taken, counting = nil, true
		t.lock.Unlock()
		benchReport(benchPercentiles(<-done), nil)
	}
}

func benchIdle(task benchTask) {
	openBenchTable(task, nil)
	used := func() float64 {
		var usage syscall.Rusage
		check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
		return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	}
	time.Sleep(2 * time.Second)
	before, started := used(), time.Now()
	time.Sleep(time.Duration(task.Count) * time.Millisecond)
	benchReport(map[string]float64{"percent": (used() - before) / time.Since(started).Seconds() * 100}, nil)
}

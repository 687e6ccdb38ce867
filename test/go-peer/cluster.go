package main

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	clustersMu sync.Mutex
	clusters   = map[string]*kfake.Cluster{}
)

type onCluster struct {
	BootstrapServers string  `json:"bootstrapServers"`
	Brokers          int     `json:"brokers"`
	Topic            string  `json:"topic"`
	Partition        int32   `json:"partition"`
	Node             int32   `json:"node"`
	APIKeys          []int16 `json:"apiKeys"`
	ErrorCode        int16   `json:"errorCode"`
	Count            int     `json:"count"`

	RandomProducerIDs bool `json:"randomProducerIds"`
}

func clusterOf(arguments json.RawMessage) (*kfake.Cluster, onCluster, error) {
	var a onCluster
	if err := json.Unmarshal(arguments, &a); err != nil {
		return nil, a, err
	}
	clustersMu.Lock()
	defer clustersMu.Unlock()
	cluster := clusters[a.BootstrapServers]
	if cluster == nil {
		return nil, a, errors.New("no such cluster: " + a.BootstrapServers)
	}
	return cluster, a, nil
}

// Starts a cluster, which is known by its addresses from then on.
func startCluster(arguments json.RawMessage) (any, error) {
	var a onCluster
	if err := json.Unmarshal(arguments, &a); err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(a.Brokers))
	if err != nil {
		return nil, err
	}
	if !a.RandomProducerIDs {
		giveCountedProducerIDs(cluster)
	}
	addresses := strings.Join(cluster.ListenAddrs(), ",")
	clustersMu.Lock()
	defer clustersMu.Unlock()
	clusters[addresses] = cluster
	return map[string]string{"bootstrapServers": addresses}, nil
}

func moveLeader(arguments json.RawMessage) (any, error) {
	cluster, a, err := clusterOf(arguments)
	if err != nil {
		return nil, err
	}
	return map[string]any{}, cluster.MoveTopicPartition(a.Topic, a.Partition, a.Node)
}

// Kafka counts producer ids from 0, while kfake draws 63 random bits, nearly always beyond the 2^53 - 1 up to which the
// client tells integers apart. kfake takes any id of a producer without transactions, so these are as good as its own.
func giveCountedProducerIDs(cluster *kfake.Cluster) {
	var next int64
	cluster.ControlKey(int16(kmsg.InitProducerID), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.InitProducerIDRequest)
		if req.TransactionalID != nil {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		resp.ProducerID = next
		next++
		return resp, nil, true
	})
}

// Answers the next requests of these APIs with an error.
func fail(arguments json.RawMessage) (any, error) {
	cluster, a, err := clusterOf(arguments)
	if err != nil {
		return nil, err
	}
	code, known := kerr.ErrorForCode(a.ErrorCode).(*kerr.Error)
	if !known {
		return nil, errors.New("unknown error code")
	}
	keys := make([]kmsg.Key, 0, len(a.APIKeys))
	for _, key := range a.APIKeys {
		keys = append(keys, kmsg.Key(key))
	}
	cluster.Fault(kfake.Fault{Keys: keys, Topic: a.Topic, Err: code, Count: a.Count})
	return map[string]any{}, nil
}

func stopCluster(arguments json.RawMessage) (any, error) {
	cluster, a, err := clusterOf(arguments)
	if err != nil {
		return nil, err
	}
	cluster.Close()
	clustersMu.Lock()
	defer clustersMu.Unlock()
	delete(clusters, a.BootstrapServers)
	return map[string]any{}, nil
}

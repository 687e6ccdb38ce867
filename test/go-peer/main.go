// Command go-peer lets tests use franz-go, a Kafka client that shares no code with ours, and kfake, its cluster in
// memory. It reads one JSON object a line, {"id", "command", "arguments"}, and answers with {"id", "result"} or
// {"id", "error": {"message"}}, in the order in which commands finish. It ends with its standard input.
//
// As go-peer bench <task as JSON> it is one of the programs of test/bench instead.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

type request struct {
	ID        int             `json:"id"`
	Command   string          `json:"command"`
	Arguments json.RawMessage `json:"arguments"`
}

type failure struct {
	Message string `json:"message"`
}

type answer struct {
	ID     int      `json:"id"`
	Result any      `json:"result,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

var commands = map[string]func(json.RawMessage) (any, error){
	"produce":      produce,
	"transaction":  transaction,
	"consume":      consume,
	"createTopic":  createTopic,
	"startCluster": startCluster,
	"moveLeader":   moveLeader,
	"fail":         fail,
	"stopCluster":  stopCluster,
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "bench" {
		bench(os.Args[2])
		return
	}
	var output sync.Mutex
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	reply := func(a answer) {
		output.Lock()
		defer output.Unlock()
		if err := encoder.Encode(a); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go func() {
			command, known := commands[r.Command]
			if !known {
				reply(answer{ID: r.ID, Error: &failure{"there is no command " + r.Command}})
				return
			}
			result, err := command(r.Arguments)
			if err != nil {
				reply(answer{ID: r.ID, Error: &failure{err.Error()}})
				return
			}
			reply(answer{ID: r.ID, Result: result})
		}()
	}
}

// SPDX-License-Identifier: Apache-2.0

// A server that writes down what it is asked: echo ADDRESS LOG. See tests/garden/README.md for the lines of LOG.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
)

type body struct {
	Len   int    `json:"len"`
	Sha   string `json:"sha"`
	Whole bool   `json:"whole"`
}

type seen struct {
	Conn   string      `json:"conn"`
	Method string      `json:"method"`
	Target string      `json:"target"`
	Host   string      `json:"host"`
	Lines  [][2]string `json:"lines"`
	Body   body        `json:"body"`
}

// Bytes become the characters of the same numbers, as in all of these servers.
func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

func look(r *http.Request) seen {
	data, err := io.ReadAll(r.Body)
	sum := sha256.Sum256(data)
	s := seen{r.RemoteAddr, latin1(r.Method), latin1(r.RequestURI), latin1(r.Host), [][2]string{},
		body{len(data), hex.EncodeToString(sum[:]), err == nil}}
	for name, values := range r.Header {
		for _, value := range values {
			s.Lines = append(s.Lines, [2]string{latin1(name), latin1(value)})
		}
	}
	return s
}

func main() {
	out, err := os.OpenFile(os.Args[2], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0644)
	if err != nil {
		log.Fatal(err)
	}
	var lock sync.Mutex
	log.SetOutput(io.Discard)
	answer := func(w http.ResponseWriter, r *http.Request) {
		line, _ := json.Marshal(look(r))
		line = append(line, '\n')
		lock.Lock()
		out.Write(line)
		lock.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.Write(line)
	}
	// Not ServeMux: it redirects what is not in its normal form.
	http.ListenAndServe(os.Args[1], http.HandlerFunc(answer))
}

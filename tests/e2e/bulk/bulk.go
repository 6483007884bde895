// SPDX-License-Identifier: Apache-2.0

// Go's net/http as it comes: bulk serve ADDRESS FILE, or bulk ask URL FILE.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
)

func answer(w http.ResponseWriter, r *http.Request) {
	if r.Method == "GET" {
		http.ServeFile(w, r, os.Args[3])
		return
	}
	sum := sha256.New()
	io.Copy(sum, r.Body)
	fmt.Fprintf(w, "%x\n", sum.Sum(nil))
}

func sum(r *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	sum := sha256.New()
	io.Copy(sum, r.Body)
	return fmt.Sprintf("%x", sum.Sum(nil))
}

func text(r *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return string(text)
}

// Without a length that it knows, Go sends chunks.
type anonymous struct{ io.Reader }

func main() {
	if os.Args[1] == "serve" {
		fmt.Println(http.ListenAndServe(os.Args[2], http.HandlerFunc(answer)))
		return
	}
	for _, chunked := range []bool{false, true} {
		file, _ := os.Open(os.Args[3])
		info, _ := file.Stat()
		body := io.Reader(file)
		if chunked {
			body = anonymous{file}
		}
		r, _ := http.NewRequest("POST", os.Args[2], body)
		if !chunked {
			r.ContentLength = info.Size()
		}
		fmt.Print(text(http.DefaultClient.Do(r)))
	}
	fmt.Println(sum(http.Get(os.Args[2])))
}

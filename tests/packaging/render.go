// SPDX-License-Identifier: Apache-2.0

// Renders the templates of deploy/chart as helm template does, for want of Helm in Debian. The engine is Helm's, Go's
// text/template; of Helm's functions there are the three that the chart uses besides: a template that uses another
// does not parse.
//
//	go run render.go RELEASE NAMESPACE TEMPLATE... <VALUES.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var functions = template.FuncMap{
	"toJson": func(v interface{}) (string, error) {
		text, err := json.Marshal(v)
		return string(text), err
	},
	"default": func(or interface{}, v interface{}) interface{} {
		if truth, _ := template.IsTrue(v); truth {
			return v
		}
		return or
	},
	"contains": func(part string, text string) bool { return strings.Contains(text, part) },
	"dict": func(key string, v interface{}) map[string]interface{} {
		return map[string]interface{}{key: v}
	},
}

func main() {
	var values map[string]interface{}
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	check(decoder.Decode(&values))
	data := map[string]interface{}{
		"Values":  values,
		"Release": map[string]string{"Name": os.Args[1], "Namespace": os.Args[2]},
	}
	for _, path := range os.Args[3:] {
		text, err := os.ReadFile(path)
		check(err)
		t, err := template.New(path).Option("missingkey=error").Funcs(functions).Parse(string(text))
		check(err)
		check(t.Execute(os.Stdout, data))
	}
}

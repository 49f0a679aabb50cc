package main

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checkValid fails unless a file, or what the last command printed, is as its
// schema says: valid stdout audit
func checkValid(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] valid FILE SCHEMA")
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	schema, err := jsonschema.NewCompiler().Compile(schemaFolder + "/" + args[1] + ".schema.json")
	ts.Check(err)
	if err := schema.Validate(doc); (err != nil) != neg {
		ts.Fatalf("%s by the schema of %s: %v", args[0], args[1], err)
	}
}

// schemaFolder is absolute, for a script runs in a folder of its own.
var schemaFolder = func() string {
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return here + "/report/testdata"
}()

package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a plan file: 64 MiB hold about twenty thousand domains.
const maxFile = 64 << 20

// Load reads the plan file at path. Unknown keys, wrong types and values that
// could not be meant are errors: all of them together, as Problems, with their
// lines and the domains they concern.
func Load(path string) (Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return Plan{}, fmt.Errorf("read plan: %w", err)
	}
	defer f.Close()
	p, err := Read(f)
	if err != nil {
		return Plan{}, fmt.Errorf("read plan %s: %w", path, err)
	}
	return p, nil
}

// Read reads what Load does, from r.
func Read(r io.Reader) (Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Plan{}, err
	}
	if len(data) > maxFile {
		return Plan{}, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	root, err := parse(data)
	if err != nil {
		return Plan{}, err
	}
	if err := checkSchema(root); err != nil {
		return Plan{}, err
	}
	f := file{root: root}
	if f.checkShape(); len(f.problems) > 0 {
		return Plan{}, f.problems.orNil()
	}
	var p Plan
	if err := f.decode(&p); err != nil {
		return Plan{}, err
	}
	f.validate(p)
	if err := f.problems.orNil(); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// parse returns the one mapping that a plan file is.
func parse(data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, errors.New("is empty")
	} else if err != nil {
		return nil, syntaxProblem(err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, Problems{{Line: second.Line, Text: "a second document begins; a plan is one"}}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxProblem(err)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, Problems{{Line: root.Line, Text: "is no plan: it has no keys such as schema and domains"}}
	}
	return root, nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// grammarProblem is what yaml's parser says, as opposed to its scanner. It
// counts lines from 0, and names the one where the broken list or mapping
// begins.
var grammarProblem = regexp.MustCompile(`^did not find expected (key|node content|'-' indicator|',' or '[\]}]'|<.*>)$`)

// syntaxProblem takes the line out of an error of the YAML parser.
func syntaxProblem(err error) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("not YAML: %w", err)
	}
	line, _ := strconv.Atoi(m[1]) // the pattern has digits only
	if grammarProblem.MatchString(m[2]) {
		return Problems{{Line: line + 1, Text: "not YAML, here or in what begins here: " + m[2]}}
	}
	return Problems{{Line: line, Text: "not YAML: " + m[2]}}
}

// checkSchema comes before all else: of another version everything is unknown.
func checkSchema(root *yaml.Node) error {
	n := valueOf(root, "schema")
	switch {
	case n == nil:
		return Problems{{Line: root.Line, Field: "schema", Text: "is missing; a plan begins with schema: " + Schema}}
	case n.Value != Schema:
		return Problems{{Line: n.Line, Field: "schema", Text: fmt.Sprintf("is %q, and this version reads %q; make the plan again", n.Value, Schema)}}
	}
	return nil
}

// valueOf returns the value of a key, nil when n is no mapping or has it not.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for k, v := range pairs(n) {
		if k.Value == key {
			return v
		}
	}
	return nil
}

// A file is a plan file with the lines of everything in it.
type file struct {
	root     *yaml.Node
	problems Problems
	domain   string // being looked at
}

func (f *file) fail(n *yaml.Node, field, format string, args ...any) {
	p := Problem{Domain: f.domain, Field: field, Text: fmt.Sprintf(format, args...)}
	if n != nil {
		p.Line = n.Line
	}
	f.problems = append(f.problems, p)
}

// decode fills p. The shape has been checked, so what is left are values such
// as a number too large for its field.
func (f *file) decode(p *Plan) error {
	err := f.root.Decode(p)
	var kinds *yaml.TypeError
	if !errors.As(err, &kinds) {
		return err
	}
	for _, text := range kinds.Errors {
		problem := Problem{Text: text}
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			problem.Line, _ = strconv.Atoi(m[1])
			problem.Text = m[2]
		}
		f.problems = append(f.problems, problem)
	}
	return f.problems.orNil()
}

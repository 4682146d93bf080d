// Says what Go's regexp makes of expressions: reads what oracle/cases.py writes, and writes for each line the expression, Go's
// error or null, and a list of [text, whether it is matched anywhere].
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
)

func answer(line []byte) []any {
	var asked []json.RawMessage
	var pattern string
	var texts []string
	for _, err := range []error{json.Unmarshal(line, &asked), json.Unmarshal(asked[0], &pattern), json.Unmarshal(asked[1], &texts)} {
		if err != nil {
			panic(err)
		}
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return []any{pattern, err.Error(), []any{}}
	}
	matched := make([]any, 0, len(texts))
	for _, text := range texts {
		matched = append(matched, []any{text, compiled.MatchString(text)})
	}
	return []any{pattern, nil, matched}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	written := json.NewEncoder(out)
	written.SetEscapeHTML(false)
	for lines.Scan() {
		if err := written.Encode(answer(lines.Bytes())); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}

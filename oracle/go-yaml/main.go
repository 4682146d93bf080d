// What gopkg.in/yaml.v2 makes of registrations as Dendrite asks it: reads one JSON object a line with the bytes of a file
// as "hex", and writes one with what loads, or null. The types repeat the fields and tags of
// setup/config/config_appservice.go, the checks those of that file that look at one registration alone. Regexes are not
// compiled here, but for what a key of the name of a field would set.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"regexp"
	"sort"

	"gopkg.in/yaml.v2"
)

type namespace struct {
	Exclusive bool   `yaml:"exclusive"`
	Regex     string `yaml:"regex"`
	GroupID   string `yaml:"group_id"`
	// Without a tag, so that a key sets it, which compiles what is there.
	RegexpObject *regexp.Regexp
}

type service struct {
	ID              string                 `yaml:"id"`
	URL             string                 `yaml:"url"`
	ASToken         string                 `yaml:"as_token"`
	HSToken         string                 `yaml:"hs_token"`
	SenderLocalpart string                 `yaml:"sender_localpart"`
	NamespaceMap    map[string][]namespace `yaml:"namespaces"`
	RateLimited     bool                   `yaml:"rate_limited"`
	Protocols       []string               `yaml:"protocols"`
}

func entries(all []namespace) [][2]interface{} {
	said := [][2]interface{}{}
	for _, one := range all {
		said = append(said, [2]interface{}{one.Regex, one.Exclusive})
	}
	return said
}

func answer(content []byte) (said interface{}) {
	defer func() {
		if recover() != nil {
			said = nil
		}
	}()
	one := service{RateLimited: true}
	if yaml.Unmarshal(content, &one) != nil {
		return nil
	}
	if one.ID == "" || one.ASToken == "" || one.HSToken == "" || one.SenderLocalpart == "" || one.NamespaceMap == nil {
		return nil
	}
	protocols := one.Protocols
	if protocols == nil {
		protocols = []string{}
	}
	others := []string{}
	for key, list := range one.NamespaceMap {
		for _, entry := range list {
			if key != "users" && key != "aliases" && key != "rooms" && entry.Regex != "" {
				others = append(others, entry.Regex)
			}
			if entry.RegexpObject != nil && entry.RegexpObject.String() != "" {
				others = append(others, entry.RegexpObject.String())
			}
		}
	}
	sort.Strings(others)
	return map[string]interface{}{
		"id": one.ID, "sender": one.SenderLocalpart, "as_token": one.ASToken, "hs_token": one.HSToken, "url": one.URL,
		"users": entries(one.NamespaceMap["users"]), "aliases": entries(one.NamespaceMap["aliases"]),
		"rooms": entries(one.NamespaceMap["rooms"]), "others": others,
		"protocols": protocols, "rate_limited": one.RateLimited,
	}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 0, 1<<20), 1<<26)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var asked struct {
			Hex string `json:"hex"`
		}
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			panic(err)
		}
		content, err := hex.DecodeString(asked.Hex)
		if err != nil {
			panic(err)
		}
		if err := out.Encode(answer(content)); err != nil {
			panic(err)
		}
	}
}

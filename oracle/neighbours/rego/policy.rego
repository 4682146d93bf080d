# The five ways in which the Matrix Authentication Service lets an operator say which names nobody may register, in words of
# our own: a name is refused if any of them holds.
package names

import rego.v1

banned := data.registration.banned_usernames

default refused := false

refused if input.username in banned.literals

refused if {
	some text in banned.prefixes
	startswith(input.username, text)
}

refused if {
	some text in banned.suffixes
	endswith(input.username, text)
}

refused if {
	some text in banned.substrings
	contains(input.username, text)
}

refused if {
	some text in banned.regexes
	regex.match(text, input.username)
}

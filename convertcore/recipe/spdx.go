package recipe

import (
	"maps"
	"slices"
)

// redistributable says of SPDX licences (spdx.org/licenses) that datasets
// carry whether they let others pass the data on, in another form too.
// NoDerivatives licences do not: the standard form is an adaptation.
var redistributable = map[string]bool{
	"CC0-1.0":             true,
	"CC-BY-1.0":           true,
	"CC-BY-2.0":           true,
	"CC-BY-2.5":           true,
	"CC-BY-3.0":           true,
	"CC-BY-4.0":           true,
	"CC-BY-SA-2.0":        true,
	"CC-BY-SA-3.0":        true,
	"CC-BY-SA-4.0":        true,
	"CC-BY-NC-2.0":        true,
	"CC-BY-NC-3.0":        true,
	"CC-BY-NC-4.0":        true,
	"CC-BY-NC-SA-2.0":     true,
	"CC-BY-NC-SA-3.0":     true,
	"CC-BY-NC-SA-4.0":     true,
	"CC-BY-ND-4.0":        false,
	"CC-BY-NC-ND-3.0":     false,
	"CC-BY-NC-ND-4.0":     false,
	"PDDL-1.0":            true,
	"ODC-By-1.0":          true,
	"ODbL-1.0":            true,
	"CDLA-Permissive-1.0": true,
	"CDLA-Permissive-2.0": true,
	"CDLA-Sharing-1.0":    true,
	"MIT":                 true,
	"MIT-0":               true,
	"Apache-2.0":          true,
	"BSD-2-Clause":        true,
	"BSD-3-Clause":        true,
	"ISC":                 true,
	"Unlicense":           true,
	"0BSD":                true,
	"GPL-2.0-only":        true,
	"GPL-2.0-or-later":    true,
	"GPL-3.0-only":        true,
	"GPL-3.0-or-later":    true,
	"LGPL-3.0-only":       true,
	"LGPL-3.0-or-later":   true,
	"AGPL-3.0-only":       true,
	"AGPL-3.0-or-later":   true,
	"MPL-2.0":             true,
}

// Redistributable reports whether a licence lets others pass the data on in
// another form; known is false for what is not in the table.
func Redistributable(spdx string) (allowed, known bool) {
	allowed, known = redistributable[spdx]
	return allowed, known
}

// Licenses are the SPDX identifiers that a recipe may name, sorted.
func Licenses() []string { return slices.Sorted(maps.Keys(redistributable)) }

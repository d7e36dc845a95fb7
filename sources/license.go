package sources

import (
	"context"
	"regexp"
	"strings"
)

// Licenser is implemented by a Source whose platform says under which licence
// a record is.
type Licenser interface {
	// License returns the SPDX identifier; "" where the record has none, and
	// "LicenseRef-…" for one that SPDX does not know.
	License(ctx context.Context, record string) (string, error)
}

// Terms are what a licence says of passing data on.
type Terms int

const (
	TermsUnknown Terms = iota // none given, or one that we do not know
	TermsOpen                 // data and adaptations may be passed on
	TermsClosed               // they may not, or only after an agreement
)

var (
	ccURL = regexp.MustCompile(`creativecommons\.org/(licenses|publicdomain)/([a-z-]+)(?:/(\d\.\d))?`)
	noise = strings.NewReplacer("_", " ", "(", " ", ")", " ", "creative commons", "cc", "attribution", "by",
		"non-commercial", "nc", "noncommercial", "nc", "no derivatives", "nd", "no-derivatives", "nd", "noderivatives", "nd", "noderivs", "nd",
		"share alike", "sa", "share-alike", "sa", "sharealike", "sa", "international", "", "unported", "", "generic", "", "universal", "",
		"public domain dedication", "", "public domain", "", ":", " ", "license", "", "licence", "", "zero", "0", ",", " ")
)

// others are names that the rules for Creative Commons do not read.
var others = map[string]string{
	"mit": "MIT", "apache 2.0": "Apache-2.0", "apache-2.0": "Apache-2.0", "apache2.0": "Apache-2.0", "apache 2": "Apache-2.0",
	"bsd-3-clause": "BSD-3-Clause", "bsd-2-clause": "BSD-2-Clause", "gpl": "GPL-3.0-or-later", "gpl-3.0": "GPL-3.0-only", "gpl 3": "GPL-3.0-only", "gpl 3.0+": "GPL-3.0-or-later",
	"gpl-2.0": "GPL-2.0-only", "agpl-3.0": "AGPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only", "mpl-2.0": "MPL-2.0",
	"pddl": "PDDL-1.0", "pddl-1.0": "PDDL-1.0", "odc-by": "ODC-By-1.0", "odc-by-1.0": "ODC-By-1.0", "odbl": "ODbL-1.0", "odbl-1.0": "ODbL-1.0", "odc-odbl": "ODbL-1.0",
	"cdla-permissive-1.0": "CDLA-Permissive-1.0", "cdla-permissive-2.0": "CDLA-Permissive-2.0", "cdla-sharing-1.0": "CDLA-Sharing-1.0",
	"unlicense": "Unlicense", "isc": "ISC", "0bsd": "0BSD",
}

// SPDX maps a platform's name, id or URL of a licence to its SPDX identifier:
// "cc-by-4.0", "CC BY 4.0" and the deed's URL are all CC-BY-4.0. What it does
// not know becomes "LicenseRef-" and the text's letters.
func SPDX(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if m := ccURL.FindStringSubmatch(s); m != nil {
		switch {
		case m[1] == "publicdomain" && m[2] == "zero":
			return "CC0-1.0"
		case m[1] == "licenses" && strings.HasPrefix(m[2], "by"):
			return cc(m[2], m[3])
		}
	}
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "https://spdx.org/licenses/"), "https://opensource.org/licenses/"), ".html")
	if s == "" || s == "noassertion" || s == "unknown" || s == "other" || s == "notspecified" || s == "none" {
		return ""
	}
	plain := strings.Join(strings.Fields(noise.Replace(s)), " ")
	if id := others[strings.TrimSpace(plain)]; id != "" {
		return id
	}
	if id := others[s]; id != "" {
		return id
	}
	words := strings.FieldsFunc(plain, func(r rune) bool { return r == ' ' || r == '-' })
	return fromWords(words, s)
}

// fromWords reads Creative Commons names of any order: cc by nc sa 4.0.
func fromWords(words []string, s string) string {
	has, version := map[string]bool{}, ""
	for _, w := range words {
		if len(w) == 3 && w[1] == '.' {
			version = w
			continue
		}
		has[w] = true
	}
	known := len(has)
	for _, w := range []string{"cc", "by", "nc", "nd", "sa", "cc0", "0"} {
		if has[w] {
			known--
		}
	}
	switch {
	case known > 0:
	case has["cc0"], has["cc"] && has["0"]:
		return "CC0-1.0"
	case has["by"]:
		kind := "by"
		for _, w := range []string{"nc", "nd", "sa"} {
			if has[w] {
				kind += "-" + w
			}
		}
		return cc(kind, version)
	}
	return "LicenseRef-" + strings.Trim(regexp.MustCompile(`[^a-z0-9.]+`).ReplaceAllString(s, "-"), "-")
}

func cc(kind, version string) string {
	if version == "" {
		version = "4.0" // platforms that give none have offered this one since 2013
	}
	return "CC-" + strings.ToUpper(strings.Trim(kind, "-")) + "-" + version
}

// TermsOf classifies a licence. NoDerivatives counts as closed: the standard
// form of a dataset is an adaptation.
func TermsOf(spdx string) Terms {
	switch {
	case spdx == "":
		return TermsUnknown
	case strings.HasPrefix(spdx, "CC-BY") && strings.Contains(spdx, "-ND"):
		return TermsClosed
	case strings.HasPrefix(spdx, "CC-BY"), spdx == "CC0-1.0":
		return TermsOpen
	}
	for _, id := range others {
		if id == spdx {
			return TermsOpen
		}
	}
	l := strings.ToLower(spdx)
	if others[l] != "" || l == "mit-0" || l == "gpl-2.0-or-later" || l == "lgpl-3.0-or-later" || l == "agpl-3.0-or-later" {
		return TermsOpen
	}
	for _, w := range []string{"agreement", "restricted", "all-rights", "proprietary", "duc", "dua", "permission", "registration", "controlled", "no-redistribution"} {
		if strings.Contains(l, w) {
			return TermsClosed
		}
	}
	return TermsUnknown
}

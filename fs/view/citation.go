package view

import (
	"fmt"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// BibTeX makes a BibTeX entry of a recipe's citation: an article where it has
// a venue, else the dataset itself.
func BibTeX(r *recipe.Recipe) string {
	c := r.Citation
	kind, venue := "misc", "howpublished"
	if c.Venue != "" {
		kind, venue = "article", "journal"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "@%s{%s,\n", kind, r.ID)
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %s = {%s},\n", name, bibEscape.Replace(value))
		}
	}
	field("title", c.Title)
	field("author", strings.Join(c.Authors, " and "))
	if c.Year > 0 {
		field("year", fmt.Sprint(c.Year))
	}
	field(venue, c.Venue)
	field("doi", c.DOI)
	field("url", c.URL)
	field("note", "Dataset license: "+r.License)
	b.WriteString("}\n")
	return b.String()
}

var bibEscape = strings.NewReplacer("{", "", "}", "", "\\", "", "&", `\&`, "%", `\%`, "#", `\#`, "_", `\_`)

// licenseText says what the data may be used under and where that is stated.
// The text of the licence itself is the licensor's, at the address given.
func licenseText(r *recipe.Recipe) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n\nLicense: %s\n", r.Title, r.ID, r.License)
	if r.License != "" && !strings.HasPrefix(r.License, "LicenseRef-") {
		fmt.Fprintf(&b, "Text: https://spdx.org/licenses/%s.html\n", r.License)
	}
	for _, s := range statedBy(r) {
		fmt.Fprintf(&b, "Stated by: %s\n", s)
	}
	b.WriteString("\nThe images and masks here are the authors' data in another encoding; their license\napplies to them. Cite the authors: see CITATION.bib.\n")
	return b.String()
}

// statedBy lists where the license was read.
func statedBy(r *recipe.Recipe) (out []string) {
	for _, f := range r.Evidence {
		if strings.Contains(strings.ToLower(f.Fact), "licen") {
			out = append(out, f.Source)
		}
	}
	return out
}

package recipe

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// decisive is what decides the converted bytes and the list of cases, in a
// fixed order. Titles, licence, citation, evidence, examples and comments are
// left out: mending them must not throw away what was converted.
type decisive struct {
	Schema   int
	ID       string
	Dim      int
	Source   Source
	Case     CaseRule
	Channels []Channel
	Classes  []Class
	Splits   []Split
}

// digest hashes the decisive fields as JSON, whose maps are sorted by key.
func (r *Recipe) digest() ([32]byte, error) {
	text, err := json.Marshal(decisive{
		r.Schema, r.ID, r.Dim, r.Source, r.Case, r.Channels, r.Classes, r.Splits,
	})
	if err != nil { // NaN in a selector, say
		return [32]byte{}, fmt.Errorf("recipe cannot be hashed: %w", err)
	}
	return sha256.Sum256(text), nil
}

package recipe

import "github.com/omnimedseg/omnimedfs/convertcore"

// Splits is the authors' own split, as metadata/splits.json has it. Lists are
// empty where the authors gave none, never null.
type Splits struct {
	Train []string `json:"train"`
	Val   []string `json:"val"`
	Test  []string `json:"test"`
}

// SplitsOf lists the case IDs of each split in the cases' order.
func SplitsOf(cases []convertcore.Case) Splits {
	s := Splits{Train: []string{}, Val: []string{}, Test: []string{}}
	for i := range cases {
		switch cases[i].Split {
		case "train":
			s.Train = append(s.Train, cases[i].ID)
		case "val":
			s.Val = append(s.Val, cases[i].ID)
		case "test":
			s.Test = append(s.Test, cases[i].ID)
		}
	}
	return s
}

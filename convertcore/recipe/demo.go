package recipe
func Demo() ([]*Recipe, error) { return nil, nil }

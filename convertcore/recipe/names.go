package recipe

// ClassNames lists the classes in the recipe's order.
func (r *Recipe) ClassNames() []string {
	out := make([]string, len(r.Classes))
	for i, c := range r.Classes {
		out[i] = c.Name
	}
	return out
}

// ruled reports whether the recipe says which pixels are the class's.
func (c *Class) ruled() bool { return len(c.Label) > 0 || len(c.Select) > 0 }

// MaskClasses lists the classes that there are masks of: all, but for those of
// an unverified recipe that are known by name only.
func (r *Recipe) MaskClasses() []string {
	var out []string
	for i := range r.Classes {
		if r.Status != Unverified || r.Classes[i].ruled() {
			out = append(out, r.Classes[i].Name)
		}
	}
	return out
}

// ChannelNames lists the channels in the recipe's order; none where a case
// has one image.
func (r *Recipe) ChannelNames() []string {
	out := make([]string, len(r.Channels))
	for i, c := range r.Channels {
		out[i] = c.Name
	}
	return out
}

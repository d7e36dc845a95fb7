package recipe

// ClassNames lists the classes in the recipe's order.
func (r *Recipe) ClassNames() []string {
	out := make([]string, len(r.Classes))
	for i, c := range r.Classes {
		out[i] = c.Name
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

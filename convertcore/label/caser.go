package label

import "github.com/omnimedseg/omnimedfs/convertcore"

// Caser is implemented by a Drawer whose files describe many cases: it is told
// which one is drawn.
type Caser interface {
	// ForCase returns the drawer of the case whose image is the raw path image.
	ForCase(image string, c *convertcore.Case) convertcore.Drawer
}

// OnImage reports whether a selector is meant to read the image itself: the
// authors drew on it with a pen.
func OnImage(s convertcore.Selector) bool {
	_, ok := s.(fill)
	return ok
}

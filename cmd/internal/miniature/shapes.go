package miniature

import "github.com/omnimedseg/omnimedfs/convertcore/recipe"

// isShapes reports whether a class is drawn from a file of shapes.
func isShapes(cl *recipe.Class) bool {
	_, ok := cl.Select["polygons"]
	return ok
}

func (b *builder) shapes(g *group, i int, c *Case, texts map[string]string, grid *Picture) error {
	return cannot("polygons = %v", g.classes[0].Select["polygons"])
}

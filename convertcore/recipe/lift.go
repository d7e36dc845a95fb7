package recipe

import (
	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// lift makes a volume of one slice of a raster: a dataset whose images are
// served as NIfTI has masks, and images of 8 bits, that are stored as pictures.
var lift = step{liftHeader, func(im convertcore.Image) (convertcore.Image, error) {
	h := im.Header()
	if h.Form == convertcore.NIfTI {
		return im, nil
	}
	if h.Bits == 16 && h.Channels != 1 || h.Channels == 2 {
		return nil, mismatch("%d samples of %d bits a pixel are no voxel", h.Channels, h.Bits)
	}
	pix := im.Payload()
	if h.Bits == 16 { // PNG's samples are big-endian, NIfTI's little
		pix = make([]byte, len(im.Payload()))
		for i := 0; i+1 < len(pix); i += 2 {
			pix[i], pix[i+1] = im.Payload()[i+1], im.Payload()[i]
		}
	}
	return kept(geom.NewVolume(flatVolume(h), 1, 0, pix))(im)
}}

func liftHeader(h convertcore.Header) (convertcore.Header, error) {
	if h.Form == convertcore.NIfTI {
		return h, nil
	}
	return geom.VolumeHeader(flatVolume(h))
}

// flatVolume is the header of a raster as a volume without a place of its own.
func flatVolume(h convertcore.Header) convertcore.Header {
	return convertcore.Header{Form: convertcore.NIfTI, Dims: h.Dims, Channels: h.Channels, Bits: h.Bits, Affine: geom.FromSpacing([3]float64{1, 1, 1})}
}

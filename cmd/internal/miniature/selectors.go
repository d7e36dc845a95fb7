package miniature

import (
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
)

// picks tells whether a selector of the recipe selects a pixel; samples are 1 or
// 3. It is written from the README, not from package label.
func picks(sel map[string]any, px []float64) (bool, error) {
	for _, key := range []string{"channel", "values", "above", "below", "between", "bits", "color", "not", "any", "all"} {
		v, ok := sel[key]
		if !ok {
			continue
		}
		return picksBy(key, v, sel, px)
	}
	keys := []string{}
	for k := range sel {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return false, cannot("selector %s", strings.Join(keys, "+"))
}

func picksBy(key string, v any, sel map[string]any, px []float64) (bool, error) {
	switch key {
	case "channel":
		rest := map[string]any{}
		for k, x := range sel {
			if k != "channel" {
				rest[k] = x
			}
		}
		if v == "sum" {
			return picks(rest, []float64{px[0] + px[len(px)/2] + px[len(px)-1]})
		}
		k := strings.Index("rgb", v.(string))
		if k < 0 {
			return false, cannot("channel %v", v)
		}
		return picks(rest, px[min(k, len(px)-1):][:1])
	case "values":
		return slices.ContainsFunc(rangesOf(v), func(r [2]float64) bool { return px[0] >= r[0] && px[0] <= r[1] }), nil
	case "above":
		return slices.ContainsFunc(px, func(x float64) bool { return x > num(v) }), nil
	case "below":
		return !slices.ContainsFunc(px, func(x float64) bool { return x >= num(v) }), nil
	case "between":
		l := v.([]any)
		return !slices.ContainsFunc(px, func(x float64) bool { return x < num(l[0]) || x > num(l[1]) }), nil
	case "bits":
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		return slices.ContainsFunc(list, func(k any) bool { return px[0] >= 0 && int(px[0])>>int(num(k))&1 == 1 }), nil
	case "color":
		rgb, tol := rgbOf(v.(string)), 0.0
		if t, ok := sel["tolerance"]; ok {
			tol = num(t)
		}
		for i, c := range rgb {
			if math.Abs(px[min(i, len(px)-1)]-c) > tol {
				return false, nil
			}
		}
		return true, nil
	case "not":
		ok, err := picks(v.(map[string]any), px)
		return !ok, err
	}
	for _, s := range v.([]any) {
		ok, err := picks(s.(map[string]any), px)
		if err != nil || ok == (key == "any") {
			return ok, err
		}
	}
	return key == "all", nil
}

func num(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

// rangesOf reads the items of values: numbers and "a-b".
func rangesOf(v any) (out [][2]float64) {
	for _, item := range v.([]any) {
		text, ok := item.(string)
		if !ok {
			out = append(out, [2]float64{num(item), num(item)})
			continue
		}
		if at := strings.LastIndex(strings.TrimLeft(text, "-"), "-"); at > 0 {
			at += len(text) - len(strings.TrimLeft(text, "-"))
			if text[at-1] == '-' { // a negative upper end
				at--
			}
			lo, err1 := strconv.ParseFloat(text[:at], 64)
			hi, err2 := strconv.ParseFloat(text[at+1:], 64)
			if err1 == nil && err2 == nil {
				out = append(out, [2]float64{lo, hi})
				continue
			}
		}
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			out = append(out, [2]float64{x, x})
		}
	}
	return out
}

func rgbOf(text string) [3]float64 {
	b, err := hex.DecodeString(strings.TrimPrefix(text, "#"))
	if err != nil || len(b) != 3 {
		return [3]float64{math.NaN()}
	}
	return [3]float64{float64(b[0]), float64(b[1]), float64(b[2])}
}

// colored reports whether a selector tells colors apart.
func colored(sel map[string]any) bool {
	for key, v := range sel {
		switch x := v.(type) {
		case map[string]any:
			if colored(x) {
				return true
			}
		case []any:
			for _, item := range x {
				if m, ok := item.(map[string]any); ok && colored(m) {
					return true
				}
			}
		}
		if key == "color" || key == "channel" {
			return true
		}
	}
	return false
}

// candidates are samples that a selector may select or not: those that it
// names, and what lies beside them.
func candidates(sel map[string]any) (out []float64) {
	for key, v := range sel {
		switch key {
		case "values":
			for _, r := range rangesOf(v) {
				out = append(out, r[0], r[1], math.Floor((r[0]+r[1])/2))
			}
		case "above":
			out = append(out, math.Floor(num(v))+1)
		case "below":
			out = append(out, math.Ceil(num(v))-1)
		case "between":
			l := v.([]any)
			out = append(out, math.Round((num(l[0])+num(l[1]))/2))
		case "bits":
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, k := range list {
				out = append(out, math.Pow(2, num(k)))
			}
		case "not":
			out = append(out, candidates(v.(map[string]any))...)
		case "any", "all":
			for _, s := range v.([]any) {
				out = append(out, candidates(s.(map[string]any))...)
			}
		}
	}
	return out
}

// colors are the colors that a selector names.
func colors(sel map[string]any) (out [][]float64) {
	for key, v := range sel {
		switch key {
		case "color":
			c := rgbOf(v.(string))
			out = append(out, c[:])
		case "not":
			out = append(out, colors(v.(map[string]any))...)
		case "any", "all":
			for _, s := range v.([]any) {
				out = append(out, colors(s.(map[string]any))...)
			}
		}
	}
	return out
}

// palette finds a pixel that no selector selects, where there is one, and for
// each selector one that it selects, together with as few others as can be.
// Where most is not 0, samples are integers from 0 to most.
func palette(sels []map[string]any, most float64) (ground []float64, each [][]float64, err error) {
	var cands [][]float64
	rgb := slices.ContainsFunc(sels, colored)
	if rgb {
		levels := []float64{0, 255, 128}
		for _, r := range levels[:2] {
			for _, g := range levels[:2] {
				for _, b := range levels[:2] {
					cands = append(cands, []float64{r, g, b})
				}
			}
		}
		for _, s := range sels {
			cands = append(cands, colors(s)...)
			for _, x := range candidates(s) {
				cands = append(cands, []float64{x, x, x})
			}
		}
	} else {
		for _, x := range []float64{0, 255, 128, 64, 192, 1, 2, 77} {
			cands = append(cands, []float64{x})
		}
		for _, s := range sels {
			for _, x := range candidates(s) {
				cands = append(cands, []float64{x})
			}
		}
	}
	if most > 0 {
		cands = slices.DeleteFunc(cands, func(px []float64) bool {
			return slices.ContainsFunc(px, func(x float64) bool { return x < 0 || x > most || x != math.Trunc(x) })
		})
	}
	each = make([][]float64, len(sels))
	least := make([]int, len(sels))
	for _, px := range cands {
		var by []int
		for k, s := range sels {
			ok, err := picks(s, px)
			if err != nil {
				return nil, nil, err
			}
			if ok {
				by = append(by, k)
			}
		}
		if len(by) == 0 && ground == nil {
			ground = px
		}
		for _, k := range by {
			if each[k] == nil || len(by) < least[k] {
				each[k], least[k] = px, len(by)
			}
		}
	}
	for k := range sels {
		if each[k] == nil {
			return nil, nil, cannot("no sample that %v selects", sels[k])
		}
	}
	if ground == nil {
		ground = each[0]
	}
	return ground, each, nil
}

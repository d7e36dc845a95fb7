package model

import (
	"context"
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// Score asks the worker for metrics of its own, written in whatever language
// it is: {"type":"metric","session":N,"shape","spacing","bytes"} with the bits
// of the prediction and then of the truth, each padded to whole bytes. The
// answer is {"type":"metrics","session":N,"metrics":{NAME:number}}; a name
// left out or NaN has no value for this pair.
func (w *Worker) Score(ctx context.Context, pred, truth *mask.Mask) (map[string]float64, error) {
	if !mask.SameGrid(pred, truth) {
		return nil, mask.ErrGrid
	}
	payload := truth.AppendBits(pred.AppendBits(nil))
	for range maxReplays {
		cn, _, err := w.acquire(ctx)
		if err != nil {
			return nil, err
		}
		m := &message{Type: "metric", Session: w.next.Add(1), Shape: truth.Dims(), Spacing: truth.Spacing(), payload: payload}
		reply, err := cn.ask(ctx, m, "metrics", w.opt.Timeout)
		if err == errGone {
			continue
		}
		if err != nil {
			return nil, err
		}
		w.answered()
		if reply.Error != "" {
			return nil, failure(StatusError, "%s", reply.Error)
		}
		for name, v := range reply.Metrics {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				delete(reply.Metrics, name)
			}
		}
		return reply.Metrics, nil
	}
	return nil, fmt.Errorf("metric worker broke %d times", maxReplays)
}

package openstack

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

const (
	// usualRounds is how often is asked what is usual, before anything else is.
	usualRounds = 7
	// usualTime bounds that, in a cloud that answers in seconds.
	usualTime = 5 * time.Second
	// roundEvery is the time between two rounds, in which each service is asked
	// once: two per cent of a worker that takes 10 ms for an answer.
	roundEvery = 500 * time.Millisecond
	// judgedRounds are looked at together, by the median of each service.
	judgedRounds = 5

	// slower than usual by this much is slow: others shall not wait for twice
	// as long as without us, and that is seen before they do.
	slow = 1.5
	// well is below this.
	well = 1.25
	// mostPatience is how many times in a row it has to be well at most, before
	// there is more.
	mostPatience = 16
	// inDoubt is how many times in a row it is slow with the fewest calls, until
	// it is looked at without any: it may not come from us.
	inDoubt = 3
)

// A watch sees to it that the services go on answering others as they did. It
// asks Nova and Neutron for next to nothing, compares with what such an answer
// took before the run, and has turns make fewer or more calls for that.
//
// How slow our own answers are does not tell: one call at a time is answered
// as fast as ever by a Neutron with one worker, and everybody else finds it
// busy.
type watch struct {
	*Cloud
	usual [len(watched)]time.Duration // 0: not asked, for it did not answer

	patience int    // how often it has to be well before there is more
	good     int    // how often it was
	raised   bool   // since it was last slow
	lowest   int    // how often it was slow with the fewest calls
	goOn     func() // while it is looked at without calls
}

// watched are cheap to answer in a cloud of any size, and take the same way as
// what users ask for.
var watched = [...]struct {
	client func(*Cloud) *gophercloud.ServiceClient
	path   string
}{
	{func(c *Cloud) *gophercloud.ServiceClient { return c.compute }, "flavors?limit=1"},
	{func(c *Cloud) *gophercloud.ServiceClient { return c.network }, "networks?limit=1&fields=id"},
}

// A sample is how long answers took, by service.
type sample [len(watched)][]time.Duration

// Watch begins to watch how the services answer, and makes only as many calls
// from now on as leave that as it is, up to those of the configuration; end
// ends it. It is for who has a lot to do while others use the cloud.
func (c *Cloud) Watch(ctx context.Context) (end func()) {
	w := &watch{Cloud: c, patience: 1}
	if !w.look(ctx) {
		c.log.Debug("neither Nova nor Neutron says how fast it answers: as many calls as the configuration has")
		return func() {}
	}
	unwatch := c.turns.watch()
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { w.run(ctx); w.end() })
	return func() {
		cancel()
		done.Wait()
		unwatch()
	}
}

// look finds out what is usual.
func (w *watch) look(ctx context.Context) (answered bool) {
	took, began := sample{}, time.Now()
	for n := 0; n < usualRounds && time.Since(began) < usualTime; n++ {
		w.round(ctx, &took)
	}
	return w.setUsual(took)
}

func (w *watch) setUsual(took sample) (answered bool) {
	for n, all := range took {
		if len(all) > 0 {
			w.usual[n], answered = median(all), true
		}
	}
	w.log.Debug("what the services take for an answer without calls of ours", "nova", w.usual[0], "neutron", w.usual[1])
	return answered
}

func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		var took sample
		for range judgedRounds {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			w.round(ctx, &took)
		}
		w.judge(took)
	}
}

// end lets calls go on that are held back.
func (w *watch) end() {
	if w.goOn != nil {
		w.goOn()
		w.goOn = nil
	}
}

// round asks each service once. One that does not answer in time has taken all
// of it.
func (w *watch) round(ctx context.Context, took *sample) {
	for n, probe := range watched {
		began, client := time.Now(), probe.client(w.Cloud)
		err := w.ask(context.WithValue(ctx, asideKey{}, true), client.Type, "see how fast it answers", func(ctx context.Context) error {
			resp, err := client.Request(ctx, http.MethodGet, client.ServiceURL(probe.path), &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}, KeepResponseBody: true})
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		})
		if err == nil || isTimeout(err) && ctx.Err() == nil {
			took[n] = append(took[n], time.Since(began))
		}
	}
}

// asideKey marks a request that waits for no turn.
type asideKey struct{}

// judge has more or fewer calls made, by what some rounds took.
func (w *watch) judge(took sample) {
	if w.goOn != nil {
		w.setUsual(took)
		w.end()
		return
	}
	w.turns.mu.Lock()
	defer w.turns.mu.Unlock()
	switch ratio := w.ratio(took); {
	case ratio == 0:
	case ratio > slow:
		w.slower()
	case ratio < well:
		w.faster()
	default:
		w.good, w.lowest = 0, 0
	}
}

// ratio is that of the service which is slower than usual by most; 0 when none
// has answered.
func (w *watch) ratio(took sample) (most float64) {
	for n, all := range took {
		if w.usual[n] > 0 && len(all) > 0 {
			most = max(most, float64(median(all))/float64(w.usual[n]))
		}
	}
	return most
}

// slower makes fewer calls. What was tried in vain is tried again later each
// time.
func (w *watch) slower() {
	if w.raised {
		w.patience = min(2*w.patience, mostPatience)
	}
	w.good, w.raised = 0, false
	if w.turns.rest < longestRests {
		w.turns.fewer()
		return
	}
	if w.lowest++; w.lowest >= inDoubt {
		w.lowest = 0
		w.goOn = w.turns.hold()
	}
}

func (w *watch) faster() {
	w.lowest = 0
	if w.good++; w.good >= w.patience {
		w.good, w.raised = 0, true
		w.turns.more()
	}
}

// median is 0 for none.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

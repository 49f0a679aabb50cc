package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/metrics"
)

// stay runs again and again until it is asked to end. A run that fails is told,
// and the next one tries anew; a run that takes longer than the time between
// two is followed by the next at once.
func (o *syncOptions) stay(ctx context.Context, a *app, c config, m *metrics.Metrics) error {
	for ctx.Err() == nil {
		next := time.Now().Add(o.every)
		if _, err := o.once(ctx, a, c, m); err != nil && ctx.Err() == nil {
			complain(a.err, err)
			m.Failed(time.Now())
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

// serveMetrics answers at a listener until the returned function is called.
func serveMetrics(l net.Listener, m *metrics.Metrics) (stop func()) {
	server := &http.Server{Handler: m.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // It ends when it is closed.
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // Whoever still reads has had its time.
		}
		<-done
	}
}

package restart

import "context"

// Forward restarts a domain under Nova's name, or goes on where a call that
// was killed has stopped.
func (r *Restarter) Forward(ctx context.Context, j Job, o Options) Result { return Result{} }

// Back brings a domain back to what it was before its restart.
func (r *Restarter) Back(ctx context.Context, j Job, o Options) Result { return Result{} }

// Finalize removes the legacy names of a renamed domain's disks.
func (r *Restarter) Finalize(ctx context.Context, j Job) Result { return Result{} }

// Preview says what Forward would do.
func (v Viewer) Preview(ctx context.Context, j Job, o Options) Preview { return Preview{} }

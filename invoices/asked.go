package invoices

import "context"

// byOperator is who voids a number by an operator's tool. Others are the holder that
// wrote the void, and the id of the API key that asked for it.
const byOperator = "operator"

type askedKey struct{}

// AskedByOperator says that what is done under ctx is asked for by an operator: voids
// that it leads to say so, instead of naming the tool's holder.
func AskedByOperator(ctx context.Context) context.Context { return askedBy(ctx, byOperator) }

// askedBy says the same of the API key with an id.
func askedBy(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, askedKey{}, who)
}

// whoAsked is who asked for what is done under ctx; otherwise if nobody said so.
func whoAsked(ctx context.Context, otherwise string) string {
	if who, ok := ctx.Value(askedKey{}).(string); ok {
		return who
	}
	return otherwise
}

package load

import "context"

// Client is a Sender of one kind of request over HTTP. It keeps what it was given.
type Client struct {
	Conn    *Conn
	Kind    Kind
	Writer  *Writer
	Crowd   *Crowd
	Given   []Given
	numbers []int64
}

// Send implements Sender.
func (c *Client) Send(ctx context.Context) error {
	tenant := c.Crowd.Next()
	status, body, err := c.Conn.Post(ctx, c.Writer.Next(tenant))
	if err != nil {
		return err
	}
	if c.numbers, err = c.Kind.Numbers(c.numbers[:0], status, body); err != nil {
		return err
	}
	for _, n := range c.numbers {
		c.Given = append(c.Given, Given{tenant, n})
	}
	return nil
}

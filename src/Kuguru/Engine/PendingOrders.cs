using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>Orders that concern several SAs are done when the last of them is; the first failure is the order's.</summary>
sealed class PendingOrders
{
    readonly Dictionary<ulong, (int Left, Failure? Failure)> _orders = [];

    /// <summary>Nobody waits for it.</summary>
    public const ulong NoToken = 0;

    public int Count => _orders.Count;

    public void Begin(ulong token, int parts)
    {
        if (token != NoToken)
            _orders[token] = (parts, null);
    }

    /// <summary>One part is done; the answer to give when it was the last one.</summary>
    public Event.OrderDone? PartDone(Event.OrderDone part)
    {
        if (!_orders.TryGetValue(part.Token, out var order))
            return null;
        var (left, failure) = (order.Left - 1, order.Failure ?? part.Failure);
        if (left > 0)
        {
            _orders[part.Token] = (left, failure);
            return null;
        }
        _orders.Remove(part.Token);
        return new Event.OrderDone(part.Token, failure) { Sa = part.Sa };
    }
}

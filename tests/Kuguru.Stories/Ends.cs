using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>What two ends of a tunnel think of each other.</summary>
static class Ends
{
    /// <summary>
    /// Null when every IKE SA that a client has is at the gateway too, with the same SPIs and the same keys in their children, and the
    /// gateway has no others; else the difference in words.
    /// </summary>
    public static string? Disagreement(IEnumerable<Peer> clients, Peer gateway)
    {
        var atGateway = gateway.Status().Where(IsUp).ToDictionary(sa => (sa.InitiatorSpi, sa.ResponderSpi));
        var gatewayChildren = gateway.Children.ToDictionary(c => c.Sa.InboundSpi);
        foreach (var client in clients)
        {
            foreach (var sa in client.Status().Where(IsUp))
            {
                if (!atGateway.Remove((sa.InitiatorSpi, sa.ResponderSpi), out var other))
                    return $"{client} has {sa.InitiatorSpi}_i {sa.ResponderSpi}_r, {gateway} has not";
                if (sa.Suite != other.Suite || sa.Children.Length != other.Children.Length)
                    return $"{client} and {gateway} differ: {sa.Suite} {sa.Children.Length} children, {other.Suite} {other.Children.Length} children";
            }
            foreach (var child in client.Children)
            {
                if (!gatewayChildren.Remove(child.Sa.OutboundSpi, out var other) || other.Sa.OutboundSpi != child.Sa.InboundSpi)
                    return $"{client} has a child {child.Sa.InboundSpi}_i {child.Sa.OutboundSpi}_o, {gateway} has not";
                if (child.InboundKey != other.OutboundKey || child.OutboundKey != other.InboundKey)
                    return $"{client} and {gateway} have different keys for child {child.Sa.InboundSpi}";
            }
        }
        return atGateway.Count + gatewayChildren.Count == 0 ? null : $"{gateway} has {atGateway.Count} IKE SAs and {gatewayChildren.Count} children that no client has";
    }

    static bool IsUp(IkeSaStatus sa) => sa.State is IkeState.Established or IkeState.Rekeying;
}

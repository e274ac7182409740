using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>Which text on NAT traversal both sides follow, the better ones last. The drafts have numbers of their own.</summary>
enum NatVersion
{
    None,
    Draft02,
    Draft02Newline,
    Draft03,
    Rfc3947,
}

/// <summary>NAT traversal as it is agreed on in the first two messages (RFC 3947 section 3.1).</summary>
static class NatVersions
{
    /// <summary>What an initiator says that it can, the best first.</summary>
    public static IReadOnlyList<NatVersion> All { get; } = [NatVersion.Rfc3947, NatVersion.Draft03, NatVersion.Draft02Newline, NatVersion.Draft02];

    public static Blob VendorId(NatVersion version) => version switch
    {
        NatVersion.None => throw new ArgumentOutOfRangeException(nameof(version), version, "has no vendor ID"),
        NatVersion.Draft02 => VendorIds.NatDraft02,
        NatVersion.Draft02Newline => VendorIds.NatDraft02Newline,
        NatVersion.Draft03 => VendorIds.NatDraft03,
        NatVersion.Rfc3947 => VendorIds.Rfc3947,
    };

    /// <summary>The best of those that a peer names.</summary>
    public static NatVersion Best(IReadOnlyCollection<Blob> vendorIds) => All.FirstOrDefault(version => vendorIds.Contains(VendorId(version)), NatVersion.None);

    /// <summary>Payloads 130 and 131 instead of 20 and 21.</summary>
    public static bool IsDraft(NatVersion version) => version is NatVersion.Draft02 or NatVersion.Draft02Newline or NatVersion.Draft03;

    /// <summary>The mode of a child as both sides name it (RFC 3947 section 5.1).</summary>
    public static EncapsulationMode Mode(NatVersion version, bool encapsulate, bool transport) => (encapsulate, transport) switch
    {
        (false, false) => EncapsulationMode.Tunnel,
        (false, true) => EncapsulationMode.Transport,
        (true, false) => IsDraft(version) ? EncapsulationMode.UdpTunnelDraft : EncapsulationMode.UdpTunnel,
        (true, true) => IsDraft(version) ? EncapsulationMode.UdpTransportDraft : EncapsulationMode.UdpTransport,
    };

    public static bool IsUdp(EncapsulationMode mode) => mode is EncapsulationMode.UdpTunnel or EncapsulationMode.UdpTunnelDraft
        or EncapsulationMode.UdpTransport or EncapsulationMode.UdpTransportDraft;

    public static bool IsTransport(EncapsulationMode mode) => mode is EncapsulationMode.Transport
        or EncapsulationMode.UdpTransport or EncapsulationMode.UdpTransportDraft;
}

/// <summary>What a peer can do, by its vendor IDs.</summary>
readonly record struct Traits(NatVersion Nat, bool Xauth, bool DeadPeerDetection, bool Unity, bool Fragments)
{
    /// <summary>Of NAT traversal nothing, where encapsulation is forbidden.</summary>
    public static Traits Of(IsakmpMessage message, Connection connection)
    {
        var ids = message.All<Payload.VendorId>().Select(id => id.Data).ToList();
        return new(connection.ForbidsEncapsulation ? NatVersion.None : NatVersions.Best(ids), ids.Contains(VendorIds.Xauth), ids.Contains(VendorIds.DeadPeerDetection),
            ids.Any(VendorIds.IsUnity), ids.Any(VendorIds.IsFragmentation));
    }

    /// <summary>
    /// In the first message: everything that we can. In the answer only what both can, which is no longer than the question; of NAT traversal the best.
    /// </summary>
    public static IEnumerable<Payload> Announce(Connection connection, IkeSettings settings, Traits? peer)
    {
        if (peer?.Xauth != false)
            yield return new Payload.VendorId(VendorIds.Xauth);
        if (peer?.DeadPeerDetection != false)
            yield return new Payload.VendorId(VendorIds.DeadPeerDetection);
        if (peer?.Unity ?? settings.CiscoUnity)
            yield return new Payload.VendorId(VendorIds.Unity);
        if (connection.Fragmentation && peer?.Fragments != false)
            yield return new Payload.VendorId(VendorIds.Fragmentation);
        foreach (var version in peer is { } answered ? [answered.Nat] : connection.ForbidsEncapsulation ? [] : NatVersions.All)
        {
            if (version != NatVersion.None)
                yield return new Payload.VendorId(NatVersions.VendorId(version));
        }
    }
}

using System.Collections.Immutable;
using Kuguru.Wire;

namespace Kuguru.Ike.V2;

/// <summary>What a line of IKE SAs, one rekeyed after the other, knows of the paths between its two ends (RFC 4555).</summary>
sealed class Mobility
{
    (IkeSpi Initiator, Path Path, Blob Hash)? _seenAs;

    /// <summary>The peer has said MOBIKE_SUPPORTED.</summary>
    public bool IsOffered { get; set; }

    /// <summary>Both ends have: addresses are updated by UPDATE_SA_ADDRESSES.</summary>
    public bool IsAgreed { get; set; }

    /// <summary>The peer has said that it speaks again, after a while, to where it was asked from (<see cref="MappingProbe"/>).</summary>
    public bool SpeaksAgain { get; set; }

    /// <summary>There is a firewall on the way to the peer, and no NAT before us: so we say that it is one.</summary>
    public bool ClaimsNat { get; set; }

    /// <summary>What we say of a NAT before us: that there is one, whether there is or not; nothing; or the truth.</summary>
    public Encapsulation Claim(Connection connection) => ClaimsNat ? Encapsulation.Always : connection.Encapsulation;

    /// <summary>Where else the peer may be found.</summary>
    public ImmutableArray<IpAddress> PeerAddresses { get; set; } = [];

    /// <summary>Where else we have said that we may be found.</summary>
    public ImmutableArray<IpAddress> Announced { get; set; } = [];

    /// <summary>Paths of which the first that an authentic message comes along becomes the IKE SA's; empty when the path is settled.</summary>
    public ImmutableArray<Path> Tried { get; set; } = [];

    /// <summary>The path that we were on before paths were tried.</summary>
    public Path? Left { get; set; }

    /// <summary>The peer is yet to hear of our present path.</summary>
    public bool OwesUpdate { get; set; }

    /// <summary>The host has no way to the peer at present.</summary>
    public bool IsStranded { get; set; }

    /// <summary>The present path is one that the peer has not answered along yet; if there is no way at present, then it was when there was one.</summary>
    public bool IsTrying => !Tried.IsEmpty || (IsStranded && OwesUpdate);

    /// <summary>
    /// Takes what the peer sees us as (NAT_DETECTION_DESTINATION_IP of an answer). True when it is something else than the last time on this path:
    /// a NAT has changed its mapping (section 3.8).
    /// </summary>
    public bool HasMappingChanged(IkeSpi initiator, Path path, Blob hash)
    {
        var before = _seenAs;
        _seenAs = (initiator, path, hash);
        return before is { } last && last.Initiator == initiator && last.Path == path && last.Hash != hash;
    }

    /// <summary>Whether an answer has said what the peer sees us as on this path, since these keys.</summary>
    public bool KnowsMapping(IkeSpi initiator, Path path) => _seenAs is { } last && last.Initiator == initiator && last.Path == path;
}

using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr] [, NAT-OAi, NAT-OAr]  -->                    RFC 3947 section 5.2; the drafts have but one, the sender's own
//                            <--  HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr] [, NAT-OAi, NAT-OAr]

/// <summary>What each end calls itself and the other, by which the checksums of transport mode through a NAT are mended.</summary>
static class OriginalAddresses
{
    /// <summary>Both ends as we know them.</summary>
    public static IEnumerable<Payload> Say(Hosts hosts, bool isInitiator, NatVersion version) => NatVersions.IsDraft(version)
        ? [new Payload.NatOa(hosts.Local, IsDraft: true)]
        : from address in isInitiator ? [hosts.Local, hosts.Remote] : (IpAddress[])[hosts.Remote, hosts.Local]
          select new Payload.NatOa(address, IsDraft: false);

    /// <summary>
    /// What the peer calls both ends: what it says here, else what is known from its identities. Null when it speaks of the other family.
    /// </summary>
    public static TransportEnds? Read(TransportEnds named, Opened opened, bool isInitiator)
    {
        var told = opened.All<Payload.NatOa>().Select(payload => payload.Address).Take(2).ToList();
        if (told.Exists(address => address.IsV6 != named.Local.IsV6))
            return null;
        return told switch
        {
            [] => named,
            [var own] => named with { PeerSource = own },
            _ => named with { PeerSource = told[isInitiator ? 1 : 0], PeerDestination = told[isInitiator ? 0 : 1] },
        };
    }
}

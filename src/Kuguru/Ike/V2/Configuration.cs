using System.Collections.Immutable;
using System.Text;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// CP(CFG_REQUEST)  -->                      RFC 7296 section 3.15, in IKE_AUTH
//                  <--  CP(CFG_REPLY)  or  N(INTERNAL_ADDRESS_FAILURE)  or, not having been asked,  N(FAILED_CP_REQUIRED)

/// <summary>Virtual addresses asked for, given and taken.</summary>
static class Configuration
{
    /// <summary>A request or reply with more addresses than this is not served further.</summary>
    const int MaxAddresses = 16;

    /// <summary>Null when no virtual address is wanted.</summary>
    public static Payload.CP? Ask(ImmutableArray<IpAddress> wanted)
    {
        if (wanted.IsEmpty)
            return null;
        var attributes = new List<ConfigAttribute>();
        foreach (var address in wanted)
            attributes.Add(address switch
            {
                { IsV6: false, IsAny: true } => new(ConfigAttributeType.InternalIp4Address),
                { IsV6: true, IsAny: true } => new(ConfigAttributeType.InternalIp6Address),
                { IsV6: false } => new(ConfigAttributeType.InternalIp4Address, address),
                { IsV6: true } => new(ConfigAttributeType.InternalIp6Address, address, 128),
            });
        if (wanted.Any(address => !address.IsV6))
            attributes.Add(new(ConfigAttributeType.InternalIp4Dns));
        if (wanted.Any(address => address.IsV6))
            attributes.Add(new(ConfigAttributeType.InternalIp6Dns));
        return new(ConfigType.Request, attributes.ToSequence());
    }

    /// <summary>
    /// Serves a request out of the connection's pools: the reply, or the notify that there is nothing to give, or that there was no request
    /// although we want one. Neither without pools and request.
    /// </summary>
    public static (Payload? Answer, Leases Given) Answer(INode node, IkeSession session, Connection connection, IkeMessage request)
    {
        var owner = session.UniqueId;
        var asked = request.Find<Payload.CP>() is { Kind: ConfigType.Request } cp ? cp : null;
        var wanted = asked is null ? [] : Wanted(asked);
        if (wanted.IsEmpty)
            return (connection.Pools.IsEmpty ? null : new Payload.Notify(NotifyType.FailedCpRequired), Leases.None(owner));
        var leases = ImmutableArray.CreateBuilder<VirtualAddress>();
        foreach (var address in wanted)
        {
            if (node.Lease(connection.Pools, session, owner, address) is { } lease)
                leases.Add(lease);
        }
        var given = Leases.None(owner) with { Leased = leases.ToImmutable() };
        return (leases.Count == 0 ? new Payload.Notify(NotifyType.InternalAddressFailure) : Reply(given.Leased, Asks(asked, ConfigAttributeType.InternalDnsDomain)), given);
    }

    /// <summary>What a reply gives us; what was not asked for is not taken.</summary>
    public static Leases Conclude(IkeMessage response, ImmutableArray<IpAddress> wanted, uint owner)
    {
        if (response.Find<Payload.CP>() is not { Kind: ConfigType.Reply } reply)
            return Leases.None(owner);
        bool v4 = wanted.Any(address => !address.IsV6), v6 = wanted.Any(address => address.IsV6);
        var ours = Addresses(reply, ConfigAttributeType.InternalIp4Address, v4).Concat(Addresses(reply, ConfigAttributeType.InternalIp6Address, v6));
        var dns = Addresses(reply, ConfigAttributeType.InternalIp4Dns, v4).Concat(Addresses(reply, ConfigAttributeType.InternalIp6Dns, v6));
        return Leases.None(owner) with { Ours = [.. ours], Dns = [.. dns] };
    }

    static ImmutableArray<IpAddress> Wanted(Payload.CP request) =>
    [
        .. request.Attributes.Where(attribute => attribute.Type == ConfigAttributeType.InternalIp4Address)
            .Select(attribute => attribute.Address is { IsV6: false } address ? address : IpAddress.AnyV4).Take(MaxAddresses),
        .. request.Attributes.Where(attribute => attribute.Type == ConfigAttributeType.InternalIp6Address)
            .Select(attribute => attribute.Address is { IsV6: true } address ? address : IpAddress.AnyV6).Take(MaxAddresses),
    ];

    static bool Asks(Payload.CP? request, ConfigAttributeType type) => request is not null && request.Attributes.Any(attribute => attribute.Type == type);

    /// <param name="leases">What there is to give.</param>
    /// <param name="domains">Only who asks for domains is told of them, along with servers (RFC 8598 section 3.2).</param>
    static Payload.CP Reply(ImmutableArray<VirtualAddress> leases, bool domains)
    {
        var attributes = new List<ConfigAttribute>();
        foreach (var lease in leases)
            attributes.Add(lease.Address.IsV6
                ? new(ConfigAttributeType.InternalIp6Address, lease.Address, 128)
                : new(ConfigAttributeType.InternalIp4Address, lease.Address));
        foreach (var server in leases.SelectMany(lease => lease.Dns).Distinct())
            attributes.Add(new(server.IsV6 ? ConfigAttributeType.InternalIp6Dns : ConfigAttributeType.InternalIp4Dns, server));
        foreach (var server in leases.SelectMany(lease => lease.Nbns).Where(server => !server.IsV6).Distinct())
            attributes.Add(new(ConfigAttributeType.InternalIp4Nbns, server));
        foreach (var domain in domains && leases.Any(lease => !lease.Dns.IsEmpty) ? leases.SelectMany(lease => lease.Domains).Distinct() : [])
            attributes.Add(new(ConfigAttributeType.InternalDnsDomain, Encoding.ASCII.GetBytes(domain)));
        return new(ConfigType.Reply, attributes.ToSequence());
    }

    static IEnumerable<IpAddress> Addresses(Payload.CP reply, ConfigAttributeType type, bool wanted) => !wanted ? [] : reply.Attributes
        .Where(attribute => attribute.Type == type && attribute.Address is { IsAny: false })
        .Select(attribute => attribute.Address!.Value).Distinct().Take(MaxAddresses);
}

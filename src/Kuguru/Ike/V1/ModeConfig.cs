using System.Collections.Immutable;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// HDR*, HASH, CFG_REQUEST(INTERNAL_IP4_ADDRESS, ...)  -->                        draft-ietf-ipsec-isakmp-mode-cfg: pull
//                              <--  HDR*, HASH, CFG_REPLY(INTERNAL_IP4_ADDRESS = ..., ...)
//
//                              <--  HDR*, HASH, CFG_SET(INTERNAL_IP4_ADDRESS = ..., ...)           or push
// HDR*, HASH, CFG_ACK(INTERNAL_IP4_ADDRESS)  -->
static class ModeConfig
{
    /// <summary>A request or reply with more addresses than this is not served further.</summary>
    const int MaxAddresses = 16;

    public static Payload.Attributes Ask(Established e, ushort identifier)
    {
        var items = new List<DataAttribute>();
        foreach (var address in e.Connection.VirtualAddresses)
            items.Add(Item(address.IsV6 ? ConfigItem.InternalIp6Address : ConfigItem.InternalIp4Address, address.IsAny ? null : address));
        if (e.Connection.VirtualAddresses.Any(address => !address.IsV6))
            items.AddRange([Item(ConfigItem.InternalIp4Dns, null), Item(ConfigItem.InternalIp4Nbns, null)]);
        if (e.Connection.VirtualAddresses.Any(address => address.IsV6))
            items.Add(Item(ConfigItem.InternalIp6Dns, null));
        if (e.Peer.Unity)
            items.Add(DataAttribute.Of(ConfigItem.UnitySplitInclude, Blob.Empty));
        return new(ConfigKind.Request, identifier, items.ToSequence());
    }

    public static ImmutableArray<Blob> Take(Turn t, Established e, MessageId id, Payload.Attributes attributes)
    {
        switch (attributes.Kind)
        {
            case ConfigKind.Request:
                return Answer(t, e, id, attributes);
            case ConfigKind.Set:
                return Acknowledge(t, e, id, attributes);
            case ConfigKind.Reply or ConfigKind.Ack:
                if (e.Current is ModeConfigErrand errand && errand.Id == id)
                    errand.Conclude(t, e, attributes);
                else
                    t.Node.Count(IkeDrop.NotAsked);
                return [];
            default:
                // The number is the peer's.
                t.Node.Count(IkeDrop.Unexpected);
                return [];
        }
    }

    static ImmutableArray<Blob> Answer(Turn t, Established e, MessageId id, Payload.Attributes request)
    {
        var wanted = request.Items.Where(item => item.Item is ConfigItem.InternalIp4Address or ConfigItem.InternalIp6Address).Take(MaxAddresses)
            .Select(item => item.Item == ConfigItem.InternalIp4Address ? item.Address is { IsV6: false } v4 ? v4 : IpAddress.AnyV4 : item.Address is { IsV6: true } v6 ? v6 : IpAddress.AnyV6);
        Lease(t, e, wanted);
        var answer = e.Send(t, id, new Payload.Attributes(ConfigKind.Reply, request.Identifier, Given(e, split: true)), awaits: false);
        e.Close(t, id);
        return answer;
    }

    static ImmutableArray<Blob> Acknowledge(Turn t, Established e, MessageId id, Payload.Attributes set)
    {
        if (e.Connection.VirtualAddresses.IsEmpty)
            t.Note(Severity.Info, Subject.Config, $"{e.RemoteId} gives us addresses that were not asked for: ignored");
        else
            Receive(t, e, set);
        var answer = e.Send(t, id, new Payload.Attributes(ConfigKind.Ack, set.Identifier,
            set.Items.Select(item => new DataAttribute(item.Type, false, Blob.Empty)).ToSequence()), awaits: false);
        e.Close(t, id);
        return answer;
    }

    /// <summary>Out of our pools, one of each family that is wanted; what the peer has already it keeps.</summary>
    public static void Lease(Turn t, Established e, IEnumerable<IpAddress> wanted)
    {
        foreach (var address in wanted)
        {
            if (e.Configuration.Leased.Any(lease => lease.Address.IsV6 == address.IsV6)
                || t.Node.Lease(e.Connection.Pools, t.Sa, e.Configuration.Owner, address) is not { } lease)
                continue;
            t.Note(Severity.Info, Subject.Config, $"assigning virtual IP {lease.Address} to peer '{e.PeerName}'");
            e.Configuration = e.Configuration with { Leased = e.Configuration.Leased.Add(lease) };
        }
    }

    /// <summary>What the peer has of ours, as attributes.</summary>
    public static Sequence<DataAttribute> Given(Established e, bool split)
    {
        var items = new List<DataAttribute>();
        foreach (var lease in e.Configuration.Leased)
            items.Add(Item(lease.Address.IsV6 ? ConfigItem.InternalIp6Address : ConfigItem.InternalIp4Address, lease.Address));
        foreach (var server in e.Configuration.Leased.SelectMany(lease => lease.Dns).Distinct())
            items.Add(Item(server.IsV6 ? ConfigItem.InternalIp6Dns : ConfigItem.InternalIp4Dns, server));
        foreach (var server in e.Configuration.Leased.SelectMany(lease => lease.Nbns).Distinct())
            items.Add(Item(server.IsV6 ? ConfigItem.InternalIp6Nbns : ConfigItem.InternalIp4Nbns, server));
        if (split && e.Peer.Unity && Networks(e.Connection) is { Length: > 0 } networks)
            items.Add(DataAttribute.Of(ConfigItem.UnitySplitInclude, networks));
        return items.ToSequence();
    }

    /// <summary>Takes what a reply or a push gives; what was not wanted is not taken.</summary>
    public static void Receive(Turn t, Established e, Payload.Attributes given)
    {
        bool v4 = e.Connection.VirtualAddresses.Any(address => !address.IsV6), v6 = e.Connection.VirtualAddresses.Any(address => address.IsV6);
        ImmutableArray<IpAddress> ours = [.. Addresses(given, ConfigItem.InternalIp4Address, v4), .. Addresses(given, ConfigItem.InternalIp6Address, v6)];
        if (!e.Configuration.Ours.IsEmpty || ours.IsEmpty)
            return;
        e.Configuration = e.Configuration with
        {
            Ours = ours,
            Dns = [.. Addresses(given, ConfigItem.InternalIp4Dns, v4), .. Addresses(given, ConfigItem.InternalIp6Dns, v6)],
            Split = [.. given.Items.Where(item => item.Item == ConfigItem.UnitySplitInclude).SelectMany(item => Networks(item.Value)).Take(MaxAddresses)],
        };
        e.Configuration.Assign(t);
    }

    static IEnumerable<IpAddress> Addresses(Payload.Attributes given, ConfigItem kind, bool wanted) => !wanted ? []
        : given.Items.Where(item => item.Item == kind).Select(item => item.Address).OfType<IpAddress>().Where(address => !address.IsAny).Distinct().Take(MaxAddresses);

    static DataAttribute Item(ConfigItem kind, IpAddress? address) => DataAttribute.Of(kind, address is { } known ? known.ToBytes() : Blob.Empty);

    /// <summary>Unity's networks: address, mask and six octets that nobody uses, 14 in all.</summary>
    static Blob Networks(Connection connection)
    {
        var w = new WireWriter();
        foreach (var range in connection.Children.SelectMany(child => child.LocalSelectors).Select(template => template.Range).OfType<AddressRange>().Distinct())
        {
            if (range.First.IsV6 || range.PrefixLength() is not (> 0 and var bits))
                continue;
            w.Address(range.First);
            w.U32(bits == 0 ? 0 : uint.MaxValue << 32 - bits);
            w.Zeros(6);
        }
        return w.ToArray();
    }

    static List<Selector> Networks(Blob value)
    {
        var networks = new List<Selector>();
        var r = new WireReader(value);
        while (!r.AtEnd)
        {
            var (address, mask) = (r.V4(), r.U32());
            r.Skip(6);
            var bits = System.Numerics.BitOperations.LeadingZeroCount(~mask);
            if (!r.Failed && (bits == 32 || mask << bits == 0))
                networks.Add(new Selector(AddressRange.Prefix(address, bits)));
        }
        return networks;
    }
}

/// <summary>Our side of Mode Config where we begin: asking for addresses, or giving them.</summary>
sealed class ModeConfigErrand(bool push) : Errand
{
    public MessageId Id { get; private set; }
    public override string Task => "MODE_CONFIG";

    public override bool Begin(Turn t, Established e)
    {
        Id = PhaseOne.NewId(t);
        var identifier = (ushort)t.Node.Dice.UInt32();
        if (!push)
        {
            e.Send(t, Id, ModeConfig.Ask(e, identifier), awaits: true);
            return true;
        }
        ModeConfig.Lease(t, e, [IpAddress.AnyV4, IpAddress.AnyV6]);
        if (e.Configuration.Leased.IsEmpty)
        {
            t.Note(Severity.Warning, Subject.Config, $"no pool of connection '{e.Connection.Name}' has an address left for '{e.RemoteId}'");
            return false;
        }
        e.Send(t, Id, new Payload.Attributes(ConfigKind.Set, identifier, ModeConfig.Given(e, split: true)), awaits: true);
        return true;
    }

    public void Conclude(Turn t, Established e, Payload.Attributes answer)
    {
        e.Close(t, Id);
        e.Concluded(this);
        if (push)
            return;
        ModeConfig.Receive(t, e, answer);
        if (e.Configuration.Ours.IsEmpty)
            t.Report(new Event.Failed(new Failure(FailureCode.AddressUnavailable,
                $"{e.RemoteId} has no virtual address for us in its Mode Config reply: look at its pools and our 'vips'")));
    }
}

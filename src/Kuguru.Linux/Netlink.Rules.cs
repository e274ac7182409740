using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>
/// A rule of policy routing: packets that fit all that is given are looked up in <see cref="Table"/>; if there is no route there, the next
/// rule decides. Lower priority numbers come first; the main table is at 32766.
/// </summary>
public sealed record IpRule
{
    public bool IsV6 { get; init; }
    public uint Priority { get; init; }
    public uint Table { get; init; } = IpRoute.MainTable;

    /// <summary>Null is all. For IPv4 0.0.0.0/32 is a packet of this host's that has no source yet.</summary>
    public Prefix? From { get; init; }

    public Prefix? To { get; init; }

    /// <summary>The link by which a packet comes that this host forwards; null is all packets, its own too.</summary>
    public string? InLink { get; init; }

    /// <summary>Fits when <c>(mark of the packet &amp; MarkMask) == Mark</c>; a mask of 0 fits all.</summary>
    public uint Mark { get; init; }

    /// <inheritdoc cref="Mark"/>
    public uint MarkMask { get; init; }

    /// <summary>Turns the whole condition round.</summary>
    public bool Not { get; init; }

    /// <summary>An IPv6 packet without a source fits too, if the one that it would get is in <see cref="From"/>.</summary>
    public bool FindSource { get; init; }

    /// <summary>An IP protocol; 0 is all.</summary>
    public byte IpProtocol { get; init; }

    /// <summary>First and last source port, of this protocol.</summary>
    public (ushort First, ushort Last)? SourcePorts { get; init; }

    /// <summary>First and last destination port, of this protocol.</summary>
    public (ushort First, ushort Last)? DestinationPorts { get; init; }

    /// <summary>Who made it; see <see cref="IpRoute.Protocol"/>.</summary>
    public byte Protocol { get; init; } = 4;

    public override string ToString() => $"{Priority}:{(Not ? " not" : "")} from {From?.ToString() ?? "all"}"
        + (To is null ? "" : $" to {To}") + (InLink is null ? "" : $" iif {InLink}") + (MarkMask == 0 ? "" : $" fwmark 0x{Mark:x}/0x{MarkMask:x}")
        + (IpProtocol == 0 ? "" : $" ipproto {IpProtocol}") + (SourcePorts is { } s ? $" sport {s.First}-{s.Last}" : "")
        + (DestinationPorts is { } d ? $" dport {d.First}-{d.Last}" : "") + $" lookup {Table}";
}

public sealed unsafe partial class Netlink
{
    const int FRA_DST = 1, FRA_SRC = 2, FRA_IIFNAME = 3, FRA_PRIORITY = 6, FRA_FWMARK = 10, FRA_TABLE = 15, FRA_FWMASK = 16, FRA_PROTOCOL = 21;
    const int FRA_IP_PROTO = 22, FRA_SPORT_RANGE = 23, FRA_DPORT_RANGE = 24;
    const byte FR_ACT_TO_TBL = 1;
    const uint FIB_RULE_INVERT = 2, FIB_RULE_FIND_SADDR = 0x10000;

    /// <summary>struct fib_rule_hdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    struct RuleHeader
    {
        public byte Family;
        public byte DestinationLength;
        public byte SourceLength;
        public byte Tos;
        public byte Table;
        readonly byte _reserved1;
        readonly byte _reserved2;
        public byte Action;
        public uint Flags;
    }

    /// <summary>The rules of both families that look a table up.</summary>
    public IReadOnlyList<IpRule> Rules()
    {
        return [.. OfFamily(isV6: false), .. OfFamily(isV6: true)];

        List<IpRule> OfFamily(bool isV6)
        {
            var message = Message(stackalloc byte[RequestLength], Rtnetlink.GetRule, Rtnetlink.Dump);
            message.Fixed(new RuleHeader { Family = Family(isV6) });
            return List(message.Finish(), "list routing rules", ReadRule);
        }
    }

    /// <summary>False when the very same is there already.</summary>
    public bool AddRule(IpRule rule)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.NewRule,
            Rtnetlink.Acknowledge | Rtnetlink.Create | Rtnetlink.Exclusive);
        Put(ref message, rule);
        return Change(ref message, $"add routing rule {rule}", Errno.EEXIST);
    }

    /// <summary>False when it was gone.</summary>
    public bool DeleteRule(IpRule rule)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.DelRule, Rtnetlink.Acknowledge);
        Put(ref message, rule);
        return Change(ref message, $"delete routing rule {rule}", Errno.ENOENT);
    }

    static void Put(ref NetlinkMessage message, IpRule rule)
    {
        message.Fixed(new RuleHeader
        {
            Family = Family(rule.IsV6),
            DestinationLength = (byte)(rule.To?.Length ?? 0),
            SourceLength = (byte)(rule.From?.Length ?? 0),
            Table = (byte)(rule.Table < 256 ? rule.Table : 0),
            Action = FR_ACT_TO_TBL,
            Flags = (rule.Not ? FIB_RULE_INVERT : 0) | (rule.FindSource ? FIB_RULE_FIND_SADDR : 0),
        });
        message.Attribute(FRA_TABLE, rule.Table);
        message.Attribute(FRA_PRIORITY, rule.Priority);
        message.Attribute(FRA_PROTOCOL, [rule.Protocol]);
        if (rule.From is { Length: > 0 } from)
            message.Attribute(FRA_SRC, from.Network.Address);
        if (rule.To is { Length: > 0 } to)
            message.Attribute(FRA_DST, to.Network.Address);
        if (rule.InLink is { } link)
            message.Attribute(FRA_IIFNAME, link);
        if (rule.MarkMask != 0)
        {
            message.Attribute(FRA_FWMARK, rule.Mark);
            message.Attribute(FRA_FWMASK, rule.MarkMask);
        }
        if (rule.IpProtocol != 0)
            message.Attribute(FRA_IP_PROTO, [rule.IpProtocol]);
        if (rule.SourcePorts is { } source)
            message.Attribute(FRA_SPORT_RANGE, (uint)(source.First | source.Last << 16));
        if (rule.DestinationPorts is { } destination)
            message.Attribute(FRA_DPORT_RANGE, (uint)(destination.First | destination.Last << 16));
    }

    static IpRule? ReadRule(ushort type, ReadOnlySpan<byte> body)
    {
        if (type != Rtnetlink.NewRule || body.Length < sizeof(RuleHeader))
            return null;
        var header = MemoryMarshal.Read<RuleHeader>(body);
        if (header.Action != FR_ACT_TO_TBL)
            return null;
        var rule = new IpRule
        {
            IsV6 = header.Family == Libc.AF_INET6,
            Table = header.Table,
            Not = (header.Flags & FIB_RULE_INVERT) != 0,
            FindSource = (header.Flags & FIB_RULE_FIND_SADDR) != 0,
            Protocol = 0,
        };
        for (var attributes = new NetlinkAttributes(body[sizeof(RuleHeader)..]); attributes.Next();)
        {
            rule = attributes.Type switch
            {
                FRA_SRC => rule with { From = new(attributes.Address, header.SourceLength) },
                FRA_DST => rule with { To = new(attributes.Address, header.DestinationLength) },
                FRA_IIFNAME => rule with { InLink = attributes.Text },
                FRA_PRIORITY => rule with { Priority = attributes.U32 },
                FRA_FWMARK => rule with { Mark = attributes.U32 },
                FRA_FWMASK => rule with { MarkMask = attributes.U32 },
                FRA_TABLE => rule with { Table = attributes.U32 },
                FRA_PROTOCOL => rule with { Protocol = attributes.Value[0] },
                FRA_IP_PROTO => rule with { IpProtocol = attributes.Value[0] },
                FRA_SPORT_RANGE => rule with { SourcePorts = ((ushort)attributes.U32, (ushort)(attributes.U32 >> 16)) },
                FRA_DPORT_RANGE => rule with { DestinationPorts = ((ushort)attributes.U32, (ushort)(attributes.U32 >> 16)) },
                _ => rule,
            };
        }
        return rule;
    }
}

using Kuguru.Nat;
using Xunit;

namespace Kuguru.Tests.Nat;

/// <summary>Which ports are spoken from and to, who follows whom, and when a mapping needs a packet.</summary>
public class PathTests
{
    static readonly NatVerdict s_unsupported = NatVerdict.Unknown;
    static readonly NatVerdict s_none = new(true, false, false, false, false);
    static readonly NatVerdict s_local = s_none with { Local = true };
    static readonly NatVerdict s_remote = s_none with { Remote = true };
    static readonly NatVerdict s_both = s_none with { Local = true, Remote = true };
    static readonly NatVerdict s_forced = s_none with { Forced = true };

    [Theory]
    [InlineData(500, 500, "500>500")]
    [InlineData(500, 4500, "4500>4500")]
    [InlineData(500, 12345, "4500>12345")]
    [InlineData(4500, 500, "4500>500")]
    [InlineData(33333, 4500, "33333>4500")]
    public void The_first_message_to_any_port_but_500_leaves_from_the_NAT_port(int local, int remote, string expected) =>
        Assert.Equal(expected, Text(Floating.First(Between(local, remote), 500, 4500)));

    public static TheoryData<NatVerdict, bool, int, int, string> Floats() => new()
    {
        { s_local, false, 500, 500, "4500>4500" },
        { s_remote, false, 500, 500, "4500>4500" },
        { s_both, false, 500, 500, "4500>4500" },
        { s_forced, false, 500, 500, "4500>4500" },
        { s_none, true, 500, 500, "4500>4500" },
        { s_none, false, 500, 500, "500>500" },
        { s_unsupported, true, 500, 500, "500>500" },
        { s_unsupported, false, 500, 500, "500>500" },
        { s_both, true, 4500, 4500, "4500>4500" },
        { s_both, true, 4500, 12345, "4500>12345" },
        { s_both, true, 4500, 500, "4500>500" },
    };

    [Theory]
    [MemberData(nameof(Floats))]
    public void IKE_AUTH_moves_to_4500_with_a_NAT_or_always_where_the_peer_takes_part(NatVerdict verdict, bool always, int local, int remote, string expected) =>
        Assert.Equal(expected, Text(Floating.AfterInit(Between(local, remote), verdict, always, 500, 4500)));

    [Fact]
    public void A_host_that_listens_elsewhere_moves_from_there()
    {
        Assert.Equal("14500>4500", Text(Floating.AfterInit(Between(1500, 500), s_local, false, 1500, 14500)));
        Assert.Equal("14500>7777", Text(Floating.First(Between(1500, 7777), 1500, 14500)));
    }

    public static TheoryData<NatVerdict, bool, bool> Follows() => new()
    {
        { s_unsupported, true, false }, { s_unsupported, false, false },
        { s_none, true, false }, { s_none, false, false },
        { s_forced, true, false }, { s_forced, false, false },
        { s_local, true, false }, { s_local, false, false },
        { s_remote, true, true }, { s_remote, false, true },
        { s_both, true, false }, { s_both, false, true },
    };

    [Theory]
    [MemberData(nameof(Follows))]
    public void Only_a_peer_behind_a_NAT_is_followed_and_never_by_a_client_behind_one(NatVerdict verdict, bool isOriginalInitiator, bool follows) =>
        Assert.Equal(follows, Following.MayMove(verdict, isOriginalInitiator));

    public static TheoryData<NatVerdict, int, int, double?> KeepAlives() => new()
    {
        { s_local, 4500, 20, 20 }, { s_both, 4500, 20, 20 }, { s_local, 4500, 5, 5 },
        { s_local, 4500, 0, null }, { s_local, 500, 20, null },
        { s_remote, 4500, 20, null }, { s_none, 4500, 20, null }, { s_forced, 4500, 20, 20 }, { s_unsupported, 4500, 20, null },
    };

    [Theory]
    [MemberData(nameof(KeepAlives))]
    public void A_keepalive_is_due_only_from_behind_a_NAT_or_a_claimed_one_on_the_NAT_port(NatVerdict verdict, int port, int interval, double? due)
    {
        var at = KeepAlive.Due(verdict, Between(port, port), 4500, new Instant(0), TimeSpan.FromSeconds(interval));
        Assert.Equal(due, at?.Nanoseconds / 1e9);
    }

    static Path Between(int local, int remote) =>
        new(new(IpAddress.Parse("192.0.2.1"), (ushort)local), new(IpAddress.Parse("192.0.2.2"), (ushort)remote));

    static string Text(Path path) => $"{path.Local.Port}>{path.Remote.Port}";
}

using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Virtual addresses and DNS servers.</summary>
public class ConfigurationStories
{
    static readonly Pool s_pool4 = new()
    {
        Name = "rw4",
        Addresses = new(IpAddress.Parse("10.3.0.1"), IpAddress.Parse("10.3.0.2")),
        Dns = [IpAddress.Parse("10.2.0.53"), IpAddress.Parse("2001:db8:2::53")],
        Nbns = [IpAddress.Parse("10.2.0.54")],
    };
    static readonly Pool s_pool6 = new()
    {
        Name = "rw6",
        Addresses = new(IpAddress.Parse("2001:db8:3::1"), IpAddress.Parse("2001:db8:3::9")),
        Dns = [IpAddress.Parse("2001:db8:2::53")],
    };

    [Fact]
    public void Addresses_of_both_families_come_with_DNS_and_narrow_the_selectors()
    {
        var pair = RoadWarrior("0.0.0.0 ::", "10.2.0.0/16 2001:db8:2::/48").Up();
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal(
        [
            "AssignAddress 10.3.0.1", "AssignAddress 2001:db8:3::1", "AssignDns 10.2.0.53 2001:db8:2::53", "InstallSa 10.3.0.1/32 2001:db8:3::1/128 === 10.2.0.0/16 2001:db8:2::/48",
        ], pair.Moon.Effects.Select(Text));
        Assert.Equal("10.2.0.0/16 2001:db8:2::/48 === 10.3.0.1/32 2001:db8:3::1/128", Text(pair.Sun.Installed.Values.Single()));
        Assert.Equal(["10.3.0.1", "2001:db8:3::1"], pair.Moon.Session.Status(pair.World.Now).LocalVirtualAddresses.Select(a => $"{a}"));
        Assert.Equal(["10.3.0.1", "2001:db8:3::1"], pair.Sun.Session.Status(pair.World.Now).RemoteVirtualAddresses.Select(a => $"{a}"));
        // Who hears that a client is there hears with which addresses.
        Assert.Equal(["10.3.0.1", "2001:db8:3::1"], pair.Sun.Events.OfType<Event.IkeUp>().Single().Status.RemoteVirtualAddresses.Select(a => $"{a}"));
    }

    [Fact]
    public void The_request_and_the_reply_stand_before_SA()
    {
        var pair = RoadWarrior("0.0.0.0", "10.2.0.0/16");
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, CP(CFG_REQUEST), SA, TSi, TSr }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("IKE_AUTH response 1 { IDr, AUTH, CP(CFG_REPLY), SA, TSi, TSr }", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_given_is_taken_back_when_the_IKE_SA_ends()
    {
        var pair = RoadWarrior("0.0.0.0", "10.2.0.0/16").Up();
        Assert.Equal(1, pair.Sun.Leases);
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 2, force: false, outbox));
        pair.World.Run(1);
        Assert.Equal(0, pair.Sun.Leases);
        Assert.Equal(["RemoveSa", "ReleaseAddress 10.3.0.1", "ReleaseDns"], pair.Moon.Effects.Skip(3).Select(Text));
        Assert.Empty(pair.Moon.ReqIds);
        Assert.Empty(pair.Sun.ReqIds);
    }

    [Fact]
    public void An_empty_pool_leaves_the_IKE_SA_up_and_says_what_is_missing_at_both_ends()
    {
        var pair = RoadWarrior("0.0.0.0", "10.2.0.0/16");
        for (var i = 0; i < 2; i++)
            pair.Sun.Lease(["rw4"], null!, 99, IpAddress.AnyV4);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("{ IDr, AUTH, N(INTERNAL_ADDRESS_FAILURE) }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(FailureCode.AddressUnavailable, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("look at its pools", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Contains("no pool has an address left", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Equal(IkeState.Established, pair.Moon.Session.State);
        Assert.Empty(pair.Moon.Installed);
    }

    [Fact]
    public void One_family_of_two_is_better_than_none()
    {
        var pair = RoadWarrior("0.0.0.0 ::", "10.2.0.0/16 2001:db8:2::/48");
        pair.Sun.Connections[0] = pair.Sun.Connections[0] with { Pools = ["rw4"] };
        pair.Up();
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("10.3.0.1/32 === 10.2.0.0/16 2001:db8:2::/48", Text(pair.Moon.Installed.Values.Single()));
    }

    [Fact]
    public void Who_does_not_ask_is_told_to_where_pools_are_configured()
    {
        var pair = RoadWarrior("", "10.2.0.0/16");
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("{ IDr, AUTH, N(FAILED_CP_REQUIRED) }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("set 'vips = 0.0.0.0'", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_virtual_address_dynamic_is_the_address_of_the_path_on_either_side()
    {
        var pair = new Pair(moon: c => c with { Children = [Configs.Child("net", "dynamic", "dynamic")] }, sun: c => c with { Children = [Configs.Child("net", "dynamic", "dynamic")] }).Up();
        Assert.Equal("192.0.2.1/32 === 192.0.2.2/32", Text(pair.Moon.Installed.Values.Single()));
    }

    [Fact]
    public void A_further_child_uses_the_address_that_there_is()
    {
        var pair = RoadWarrior("0.0.0.0", "10.2.0.0/16").Up();
        var more = Configs.Child("more", "dynamic", "10.2.7.0/24");
        pair.Moon.Order((session, outbox) => session.RequestChild(pair.World.Now, more, 2, outbox));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(2));
        Assert.Equal("10.3.0.1/32 === 10.2.7.0/24", Text(pair.Moon.Installed.Values.Last()));
    }

    [Fact]
    public void After_an_IKE_rekey_the_addresses_stay()
    {
        var pair = RoadWarrior("0.0.0.0", "10.2.0.0/16").Up();
        var before = pair.Moon.Effects.Count;
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(2));
        Assert.Equal(before, pair.Moon.Effects.Count);
        Assert.Equal("10.3.0.1", $"{pair.Moon.Session.Status(pair.World.Now).LocalVirtualAddresses.Single()}");
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 3, force: false, outbox));
        pair.World.Run(1);
        Assert.Equal(0, pair.Sun.Leases);
    }

    static Pair RoadWarrior(string wanted, string network)
    {
        var pair = new Pair(
            moon: c => c with { VirtualAddresses = wanted.Length == 0 ? [] : [.. wanted.Split(' ').Select(IpAddress.Parse)], Children = [Configs.Child("net", "dynamic", network)] },
            sun: c => c with { Pools = ["rw4", "rw6"], Children = [Configs.Child("net", network, "dynamic")] });
        pair.Sun.Pools["rw4"] = s_pool4;
        pair.Sun.Pools["rw6"] = s_pool6;
        return pair;
    }

    static string Text(ChildSa sa) => $"{string.Join(' ', sa.LocalSelectors)} === {string.Join(' ', sa.RemoteSelectors)}";

    static string Text(Effect effect) => effect switch
    {
        Effect.AssignAddress assign => $"AssignAddress {assign.Address}",
        Effect.ReleaseAddress release => $"ReleaseAddress {release.Address}",
        Effect.AssignDns dns => $"AssignDns {string.Join(' ', dns.Servers)}",
        Effect.InstallSa install => $"InstallSa {Text(install.Sa)}",
        _ => effect.GetType().Name,
    };
}

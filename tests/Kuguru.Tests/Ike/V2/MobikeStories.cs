using Kuguru.Ike;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Moon changes her address, her NAT or both, and the tunnel goes on (RFC 4555).</summary>
public class MobikeStories
{
    static readonly IpAddress Other = IpAddress.Parse("192.0.2.77"), Second = IpAddress.Parse("198.51.100.2");

    [Fact]
    public void Both_say_that_they_take_part_and_where_else_they_are()
    {
        var pair = Mobile();
        pair.Sun.LocalAddresses = [pair.Sun.Address, IpAddress.Parse("198.51.100.2"), IpAddress.Parse("2001:db8::2")];
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("N(MOBIKE_SUPPORTED), N(NO_ADDITIONAL_ADDRESSES)", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("N(MOBIKE_SUPPORTED), N(ADDITIONAL_IP4_ADDRESS), N(ADDITIONAL_IP6_ADDRESS)", pair.World.Transcript, StringComparison.Ordinal);
        Assert.True(pair.Moon.Session.Mobility.IsAgreed && pair.Sun.Session.Mobility.IsAgreed);
        Assert.Equal(["198.51.100.2", "2001:db8::2"], pair.Moon.Session.Mobility.PeerAddresses.Select(address => address.ToString()));
        Assert.Equal("192.0.2.1[4500]...192.0.2.2[4500]", $"{pair.Moon.Session.Path}");
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void It_takes_two(bool moon, bool sun)
    {
        var pair = new Pair(moon: c => c with { Mobike = moon }, sun: c => c with { Mobike = sun }).Up();
        Assert.False(pair.Moon.Session.Mobility.IsAgreed || pair.Sun.Session.Mobility.IsAgreed);
    }

    [Fact]
    public void A_new_address_is_told_and_the_children_follow_when_it_has_shown_to_be_there()
    {
        var pair = Mobile().Up();
        pair.World.Forget();
        MoveMoon(pair, Other);
        pair.World.Run(1);
        Assert.Equal("""
            2.00 > 4500>4500 INFORMATIONAL request 2 { N(UPDATE_SA_ADDRESSES), N(COOKIE2), N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP) }
            2.05 < 4500>4500 INFORMATIONAL response 2 { N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(COOKIE2) }
            2.05 < 4500>4500 INFORMATIONAL request 0 { N(COOKIE2) }
            2.10 > 4500>4500 INFORMATIONAL response 0 { N(COOKIE2) }

            """, pair.World.Transcript);
        Assert.Equal("192.0.2.77[4500]...192.0.2.2[4500]", $"{pair.Moon.Session.Path}");
        Assert.Equal("192.0.2.2[4500]...192.0.2.77[4500]", $"{pair.Sun.Session.Path}");
        Assert.Equal(pair.Moon.Session.Path, pair.Moon.Installed.Values.Single().Path);
        Assert.Equal(pair.Sun.Session.Path, pair.Sun.Installed.Values.Single().Path);
        Assert.False(pair.Moon.Installed.Values.Single().UdpEncapsulated);
        Assert.Equal(MoveCause.Us, Assert.Single(pair.Moon.Events.OfType<Event.Moved>()).Cause);
        Assert.Equal(MoveCause.Update, Assert.Single(pair.Sun.Events.OfType<Event.Moved>()).Cause);
    }

    [Fact]
    public void From_the_open_behind_a_NAT_and_back_encapsulation_goes_on_and_off()
    {
        var pair = Mobile().Up();
        MoveMoon(pair, IpAddress.Parse("10.1.0.10"), new Napt("203.0.113.9"));
        pair.World.Run(1);
        Assert.Equal(("local", "remote"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        Assert.True(pair.Moon.Installed.Values.Single().UdpEncapsulated && pair.Sun.Installed.Values.Single().UdpEncapsulated);
        Assert.Equal("203.0.113.9[1024]", $"{pair.Sun.Installed.Values.Single().Path.Remote}");

        MoveMoon(pair, Other);
        pair.World.Run(1);
        Assert.Equal(("none", "none"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        Assert.False(pair.Moon.Installed.Values.Single().UdpEncapsulated || pair.Sun.Installed.Values.Single().UdpEncapsulated);
        Assert.Equal(Other, pair.Sun.Installed.Values.Single().Path.Remote.Address);
    }

    [Fact]
    public void An_end_without_a_virtual_address_is_selected_by_its_new_one()
    {
        var pair = new Pair(
            moon: c => c with { Mobike = true, Children = [Configs.Child("net", "dynamic", "10.2.0.0/16")] },
            sun: c => c with { Mobike = true, Children = [Configs.Child("net", "10.2.0.0/16", "dynamic")] }).Up();
        MoveMoon(pair, Other);
        pair.World.Run(1);
        var (near, far) = (pair.Moon.Effects.OfType<Effect.MoveSa>().Last().Selectors!, pair.Sun.Effects.OfType<Effect.MoveSa>().Last().Selectors!);
        Assert.Equal(("192.0.2.77/32", "10.2.0.0/16"), ($"{near.Local.Single()}", $"{near.Remote.Single()}"));
        Assert.Equal(("10.2.0.0/16", "192.0.2.77/32"), ($"{far.Local.Single()}", $"{far.Remote.Single()}"));
        Assert.Equal("192.0.2.77/32", $"{pair.Moon.Session.Status(pair.World.Now).Children.Single().LocalSelectors.Single()}");
    }

    [Fact] // charon with kernel-libipsec rekeys a child that has to move, and does so before it answers
    public void A_peer_that_rekeys_a_child_for_our_new_address_before_we_have_its_answer_gets_one()
    {
        var pair = new Pair(
            moon: c => c with { Mobike = true, Children = [Configs.Child("net", "dynamic", "10.2.0.0/16")] },
            sun: c => c with { Mobike = true, Children = [Configs.Child("net", "10.2.0.0/16", "dynamic")] }).Up();
        pair.World.Loses = (path, bytes) => path.Local.Address == pair.Sun.Address && bytes.Span[4 + 18] == 37 && !IsRequest(bytes);
        MoveMoon(pair, Other);
        pair.World.Run(0.5);
        Assert.Equal("192.0.2.77/32", $"{Child(pair.Sun).RemoteSelectors.Single()}");
        Assert.Equal("192.0.2.1/32", $"{Child(pair.Moon).LocalSelectors.Single()}");
        pair.Sun.Order((session, outbox) => session.RekeyChild(pair.World.Now, Child(pair.Sun).UniqueId, 5, outbox));
        pair.World.Run(0.5);
        Assert.Null(pair.Sun.Outcome(5));
        pair.World.Loses = (_, _) => false;
        pair.World.Run(5);
        Assert.Equal("192.0.2.77/32", $"{Child(pair.Moon).LocalSelectors.Single()}");
        Assert.Equal((Child(pair.Sun).InboundSpi, Child(pair.Sun).OutboundSpi), (Child(pair.Moon).OutboundSpi, Child(pair.Moon).InboundSpi));
        Assert.Equal(pair.Moon.Session.Path, pair.Moon.Installed.Values.Single().Path);

        ChildSaStatus Child(Host host) => host.Session.Status(pair.World.Now).Children.Single();
    }

    [Fact]
    public void The_children_stay_where_they_were_while_nobody_answers_from_the_new_address()
    {
        var pair = Mobile().Up();
        var before = pair.Sun.Installed.Values.Single().Path;
        pair.World.Loses = (path, bytes) => path.Local.Address == pair.Sun.Address && IsRequest(bytes);
        MoveMoon(pair, Other);
        pair.World.Run(3);
        Assert.Equal(Other, pair.Sun.Session.Path.Remote.Address);
        Assert.Equal(before, pair.Sun.Installed.Values.Single().Path);
        pair.World.Loses = (_, _) => false;
        pair.World.Run(5);
        Assert.Equal(Other, pair.Sun.Installed.Values.Single().Path.Remote.Address);
    }

    [Fact]
    public void A_question_that_is_out_tries_the_new_paths_and_the_first_that_is_answered_along_is_taken()
    {
        var pair = Mobile(sun: c => c);
        pair.Sun.LocalAddresses = [pair.Sun.Address, IpAddress.Parse("198.51.100.2")];
        pair.Up();
        var lost = 0;
        pair.World.Loses = (path, _) => path.Local.Address != Other && ++lost > 0;
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, pair.Moon.Session.Status(pair.World.Now).Children[0].UniqueId, 9, outbox));
        pair.World.Run(1);
        Assert.Equal(1, lost);
        pair.World.Forget();
        pair.World.Loses = (_, _) => false;
        MoveMoon(pair, Other, null, pair.Sun.Address, IpAddress.Parse("198.51.100.2"));
        pair.World.Run(1);
        var lines = pair.World.Transcript.Split('\n');
        Assert.StartsWith("3.00 > 4500>4500 CREATE_CHILD_SA request 2", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("3.05 < 4500>4500 CREATE_CHILD_SA response 2", lines[1], StringComparison.Ordinal);
        Assert.Contains("N(UPDATE_SA_ADDRESSES)", lines[2], StringComparison.Ordinal);
        Assert.All(pair.Sun.Installed.Values, child => Assert.Equal(Other, child.Path.Remote.Address));
    }

    [Fact]
    public void The_peer_s_other_addresses_are_tried_when_the_known_one_is_silent()
    {
        var pair = Mobile();
        var second = IpAddress.Parse("198.51.100.2");
        pair.Sun.LocalAddresses = [pair.Sun.Address, second];
        pair.Up();
        var sun = pair.World.Add("198.51.100.2");
        // The same host by its other address: what arrives there is the other's.
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Remote.Address == second)
                pair.World.Inject(new(path.Remote, path.Local), bytes, pair.Sun);
            return path.Remote.Address != Other || path.Local.Address != second;
        };
        MoveMoon(pair, Other, null, pair.Sun.Address, second);
        pair.World.Run(3);
        Assert.Equal("192.0.2.77[4500]...198.51.100.2[4500]", $"{pair.Moon.Session.Path}");
        Assert.Equal("198.51.100.2[4500]...192.0.2.77[4500]", $"{pair.Sun.Session.Path}");
        Assert.Equal(pair.Sun.Session.Path, pair.Sun.Installed.Values.Single().Path);
        Assert.Empty(sun.Events);
    }

    [Fact] // and from there behind a NAT of the first family, where keepalives go out again
    public void Into_a_network_of_the_other_family_and_back_the_tunnel_goes_along()
    {
        var pair = Mobile(nat: new Napt("203.0.113.9"));
        var (near, far) = (IpAddress.Parse("2001:db8:1::77"), IpAddress.Parse("2001:db8::2"));
        pair.Sun.LocalAddresses = [pair.Sun.Address, far];
        pair.Up();
        pair.World.Add($"{far}");
        // The same host by its other address: what arrives there is the other's.
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Remote.Address == far)
                pair.World.Inject(new(path.Remote, path.Local), bytes, pair.Sun);
            return false;
        };
        MoveMoon(pair, near, null, far);
        pair.World.Run(1);
        Assert.Equal("2001:db8:1::77[4500]...2001:db8::2[4500]", $"{pair.Moon.Installed.Values.Single().Path}");
        Assert.Equal("2001:db8::2[4500]...2001:db8:1::77[4500]", $"{pair.Sun.Installed.Values.Single().Path}");
        Assert.False(pair.Moon.Installed.Values.Single().UdpEncapsulated || pair.Sun.Installed.Values.Single().UdpEncapsulated);
        pair.World.Forget();
        pair.World.Run(45);
        Assert.DoesNotContain("keepalive", pair.World.Transcript, StringComparison.Ordinal);

        MoveMoon(pair, IpAddress.Parse("10.1.0.10"), new Napt("203.0.113.9"));
        pair.World.Run(1);
        Assert.Equal("10.1.0.10[4500]...192.0.2.2[4500]", $"{pair.Moon.Installed.Values.Single().Path}");
        Assert.Equal("192.0.2.2[4500]...203.0.113.9[1024]", $"{pair.Sun.Installed.Values.Single().Path}");
        Assert.True(pair.Moon.Installed.Values.Single().UdpEncapsulated && pair.Sun.Installed.Values.Single().UdpEncapsulated);
        pair.World.Run(21);
        Assert.Contains("keepalive", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Single(pair.Sun.Sessions);
    }

    [Fact]
    public void Without_any_way_the_SA_waits_and_is_back_with_the_network()
    {
        var pair = Mobile(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(5) }).Up();
        pair.Moon.LocalAddresses = [];
        pair.Moon.Order((session, outbox) => session.NetworkChanged(pair.World.Now, false, outbox));
        pair.Moon.Order((session, outbox) => session.PathsFound(pair.World.Now, new(false, []), outbox));
        pair.World.Forget();
        pair.World.Run(1200);
        Assert.Empty(pair.World.Transcript);
        MoveMoon(pair, Other);
        pair.World.Run(1);
        Assert.Equal(pair.Moon.Session.Path, pair.Moon.Installed.Values.Single().Path);
        Assert.Equal(Other, pair.Sun.Installed.Values.Single().Path.Remote.Address);
    }

    [Fact]
    public void A_NAT_that_makes_something_else_of_us_is_found_by_the_second_liveness_check()
    {
        // Sun does not follow by itself: as a gateway of another make would.
        var pair = Mobile(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(30) }, nat: new Napt("203.0.113.9")).Up();
        pair.World.Run(31);
        pair.Moon.Nat!.Reboot();
        pair.World.Forget();
        pair.World.Run(31);
        Assert.Contains("N(UPDATE_SA_ADDRESSES)", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains(pair.Moon.Events, e => e.Sentence == "detected changes in NAT mappings, initiating MOBIKE update");
        Assert.Equal("203.0.113.9[1026]", $"{pair.Sun.Installed.Values.Single().Path.Remote}");
    }

    [Fact]
    public void A_gateway_behind_a_port_forward_takes_part()
    {
        var pair = Mobile(sunNat: new Napt("203.0.113.2")).Up();
        MoveMoon(pair, Other, null, IpAddress.Parse("203.0.113.2"));
        pair.World.Run(1);
        Assert.Equal("192.0.2.77[4500]...203.0.113.2[4500]", $"{pair.Moon.Installed.Values.Single().Path}");
        Assert.Equal("10.2.0.10[4500]...192.0.2.77[4500]", $"{pair.Sun.Installed.Values.Single().Path}");
        Assert.True(pair.Sun.Installed.Values.Single().UdpEncapsulated);
    }

    [Fact]
    public void A_responder_that_moves_says_so_and_the_initiator_updates()
    {
        var pair = Mobile().Up();
        pair.World.Forget();
        pair.Sun.Address = Other;
        pair.Sun.LocalAddresses = [Other];
        pair.Sun.Order((session, outbox) => session.NetworkChanged(pair.World.Now, false, outbox));
        pair.Sun.Order((session, outbox) => session.PathsFound(pair.World.Now, new(false, [new(new(Other, 0), new(pair.Moon.Address, 0))]), outbox));
        pair.World.Run(2);
        Assert.Equal("192.0.2.1[4500]...192.0.2.77[4500]", $"{pair.Moon.Installed.Values.Single().Path}");
        Assert.Equal("192.0.2.77[4500]...192.0.2.1[4500]", $"{pair.Sun.Installed.Values.Single().Path}");
    }

    [Fact]
    public void Without_MOBIKE_and_NATs_a_new_address_is_a_new_IKE_SA()
    {
        var pair = new Pair().Up();
        MoveMoon(pair, Other);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Equal(CloseAction.Start, Assert.Single(pair.Moon.Events.OfType<Event.ChildDown>()).Next);
    }

    [Fact]
    public void Without_MOBIKE_a_peer_that_is_used_to_our_NAT_follows_the_next_message()
    {
        var pair = new Pair(nat: new Napt("203.0.113.9")).Up();
        MoveMoon(pair, IpAddress.Parse("10.9.0.9"), new Napt("198.51.100.9"));
        pair.World.Run(1);
        Assert.Equal("198.51.100.9", $"{pair.Sun.Installed.Values.Single().Path.Remote.Address}");
        Assert.Equal(pair.Moon.Session.Path, pair.Moon.Installed.Values.Single().Path);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void As_long_as_it_is_not_known_what_a_NAT_makes_of_us_a_liveness_check_is_an_update(bool isRekeyed)
    {
        var pair = Mobile(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(10) }, nat: new Napt("203.0.113.9")).Up();
        if (isRekeyed)
        {
            pair.World.Run(15);
            pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 7, outbox));
            pair.World.Run(2);
        }
        pair.Moon.Nat!.Reboot();
        pair.World.Forget();
        pair.World.Run(25);
        var checks = pair.World.Transcript.Split('\n').Where(line => line.Contains(">4500 INFORMATIONAL request", StringComparison.Ordinal)).Select(line => line[line.IndexOf('{')..]).ToList();
        const string Hashes = "N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP) }";
        Assert.Equal([$"{{ N(UPDATE_SA_ADDRESSES), {Hashes}", $"{{ {Hashes}"], checks);
    }

    [Fact]
    public void Addresses_that_come_and_go_beside_the_path_are_told()
    {
        var pair = Mobile().Up();
        pair.World.Forget();
        pair.Moon.LocalAddresses = [pair.Moon.Address, Other];
        pair.Moon.Order((session, outbox) => session.NetworkChanged(pair.World.Now, false, outbox));
        pair.Moon.Order((session, outbox) => session.PathsFound(pair.World.Now, new(true, [new(new(pair.Moon.Address, 0), new(pair.Sun.Address, 0))]), outbox));
        pair.World.Run(1);
        Assert.Contains("{ N(ADDITIONAL_IP4_ADDRESS) }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(Other, Assert.Single(pair.Sun.Session.Mobility.PeerAddresses));
    }

    [Fact] // An interface that goes down does so in steps, and each of them is a change
    public void The_network_changes_once_more_while_new_paths_are_tried_and_the_peer_is_told_all_the_same()
    {
        var pair = WithSecond();
        MoveMoon(pair, Other, null, pair.Sun.Address, Second);
        pair.World.Run(0.02);
        LookAround(pair, pair.Moon, holds: true, Way(Other, pair.Sun.Address), Way(Other, Second));
        pair.World.Run(1);
        AssertAt(pair, Other, pair.Sun.Address);
    }

    [Fact]
    public void Nor_does_another_change_end_the_search_for_an_address_of_the_peer_s_that_answers()
    {
        var pair = WithSecond();
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Remote.Address == Second)
                pair.World.Inject(new(path.Remote, path.Local), bytes, pair.Sun);
            return path.Local.Address != Second;
        };
        MoveMoon(pair, Other, null, pair.Sun.Address, Second);
        pair.World.Run(0.2);
        LookAround(pair, pair.Moon, holds: true, Way(Other, pair.Sun.Address), Way(Other, Second));
        pair.World.Run(3);
        AssertAt(pair, Other, Second);
    }

    [Fact]
    public void The_old_address_comes_back_while_the_new_one_is_tried_and_both_are()
    {
        var pair = WithSecond();
        var home = pair.Moon.Address;
        pair.World.Loses = (path, _) => path.Local.Address == Other || path.Remote.Address == Other;
        MoveMoon(pair, Other, null, pair.Sun.Address, Second);
        pair.World.Run(3);
        (pair.Moon.Address, pair.Moon.LocalAddresses) = (home, [home, Other]);
        LookAround(pair, pair.Moon, holds: true, Way(home, pair.Sun.Address), Way(home, Second));
        pair.World.Run(0.5);
        AssertAt(pair, home, pair.Sun.Address);
    }

    [Fact]
    public void The_way_that_was_tried_is_gone_for_a_while_and_when_it_is_back_the_peer_is_told_of_it()
    {
        var pair = WithSecond();
        pair.World.Loses = (_, _) => true;
        MoveMoon(pair, Other, null, pair.Sun.Address, Second);
        pair.World.Run(0.2);
        LookAround(pair, pair.Moon, holds: false);
        pair.World.Run(60);
        pair.World.Loses = (_, _) => false;
        LookAround(pair, pair.Moon, holds: true, Way(Other, pair.Sun.Address), Way(Other, Second));
        pair.World.Run(0.5);
        AssertAt(pair, Other, pair.Sun.Address);
    }

    [Fact]
    public void An_answer_that_comes_by_the_path_we_have_left_does_not_end_the_search()
    {
        var pair = Mobile().Up();
        pair.Moon.Settings = pair.Moon.Settings with { PreferBestPath = true };
        pair.Moon.Order((session, outbox) => session.RequestChild(pair.World.Now, pair.Moon.Connections[0].Children[0], 9, outbox));
        pair.World.Run(0.07);
        var home = pair.Moon.Address;
        pair.Moon.LocalAddresses = [home, Other];
        LookAround(pair, pair.Moon, holds: true, Way(Other, pair.Sun.Address));
        pair.World.Run(0.04);
        Assert.True(pair.Moon.IsDone(9));
        pair.Moon.Address = Other;
        pair.World.Run(1);
        AssertAt(pair, Other, pair.Sun.Address);
    }

    [Fact]
    public void A_responder_whose_address_was_gone_for_a_while_asks_again_when_it_is_back()
    {
        var pair = Mobile().Up();
        pair.Sun.LocalAddresses = [];
        LookAround(pair, pair.Sun, holds: false);
        pair.World.Run(60);
        pair.Sun.LocalAddresses = [pair.Sun.Address];
        LookAround(pair, pair.Sun, holds: true, Way(pair.Sun.Address, pair.Moon.Address));
        pair.Sun.Order((session, outbox) => session.RekeyChild(pair.World.Now, pair.Sun.Session.Status(pair.World.Now).Children[0].UniqueId, 9, outbox));
        pair.World.Run(1);
        Assert.True(pair.Sun.IsDone(9), pair.World.Transcript);
        Assert.Null(pair.Sun.Outcome(9));
    }

    [Fact]
    public void A_question_that_went_to_where_the_responder_is_no_longer_goes_at_once_to_where_it_is()
    {
        var pair = Mobile().Up();
        (pair.Sun.Address, pair.Sun.LocalAddresses) = (Other, [Other]);
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, pair.Moon.Session.Status(pair.World.Now).Children[0].UniqueId, 9, outbox));
        LookAround(pair, pair.Sun, holds: false, Way(Other, pair.Moon.Address));
        pair.World.Run(0.5);
        Assert.Null(pair.Moon.Outcome(9));
        AssertAt(pair, pair.Moon.Address, Other);
    }

    static Pair Mobile(Func<Connection, Connection>? moon = null, Func<Connection, Connection>? sun = null, Napt? nat = null, Napt? sunNat = null) => new(
        moon: c => (moon?.Invoke(c) ?? c) with { Mobike = true }, sun: c => (sun?.Invoke(c) ?? c) with { Mobike = true }, nat: nat, sunNat: sunNat);

    /// <summary>Moon has only this address from now on, perhaps behind another NAT, and a route to these of sun's.</summary>
    static void MoveMoon(Pair pair, IpAddress address, Napt? nat = null, params IpAddress[] remotes)
    {
        pair.Moon.Address = address;
        pair.Moon.Nat = nat;
        pair.Moon.LocalAddresses = [address];
        if (remotes.Length == 0)
            remotes = [pair.Sun.Address];
        LookAround(pair, pair.Moon, holds: false, [.. remotes.Select(remote => Way(address, remote))]);
    }

    /// <summary>The host's network has changed: it asks for paths, and this is what there is.</summary>
    static void LookAround(Pair pair, Host host, bool holds, params Path[] ways)
    {
        var before = host.Effects.Count;
        host.Order((session, outbox) => session.NetworkChanged(pair.World.Now, false, outbox));
        Assert.IsType<Effect.FindPaths>(host.Effects.Skip(before).Last());
        host.Order((session, outbox) => session.PathsFound(pair.World.Now, new(holds, [.. ways]), outbox));
    }

    static Path Way(IpAddress local, IpAddress remote) => new(new(local, 0), new(remote, 0));

    /// <summary>Both ends, and their children.</summary>
    static void AssertAt(Pair pair, IpAddress moon, IpAddress sun)
    {
        Assert.Equal(($"{moon}[4500]...{sun}[4500]", $"{sun}[4500]...{moon}[4500]"), ($"{pair.Moon.Session.Path}", $"{pair.Sun.Session.Path}"));
        Assert.All(pair.Moon.Installed.Values, child => Assert.Equal(pair.Moon.Session.Path, child.Path));
        Assert.All(pair.Sun.Installed.Values, child => Assert.Equal(pair.Sun.Session.Path, child.Path));
    }

    /// <summary>Sun has a second address, and has said so.</summary>
    static Pair WithSecond()
    {
        var pair = Mobile();
        pair.Sun.LocalAddresses = [pair.Sun.Address, Second];
        return pair.Up();
    }

    static bool IsRequest(Blob bytes) => IkeHeader.TryRead(bytes.Span[4..], out var header) && !header.IsResponse;
}

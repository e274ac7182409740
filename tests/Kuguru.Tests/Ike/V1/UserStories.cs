using System.Collections.Immutable;
using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>Users prove who they are by XAUTH, and are given addresses by Mode Config.</summary>
public class UserStories
{
    [Fact]
    public void A_user_logs_in_and_gets_an_address()
    {
        var pair = Two();
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Contains(pair.Sun.Events.OfType<Event.Note>(), note => note.Text.StartsWith("XAuth authentication of 'carol' ('moon.example.org'"));
        var (moon, sun) = (pair.Moon.V1.Status(pair.World.Now), pair.Sun.V1.Status(pair.World.Now));
        Assert.Equal(["10.9.0.1"], moon.LocalVirtualAddresses.Select(address => $"{address}"));
        Assert.Equal(moon.LocalVirtualAddresses, sun.RemoteVirtualAddresses);
        Assert.Equal("carol", sun.RemoteXauthId);
        Assert.Equal("10.9.0.1/32", $"{sun.Children.Single().RemoteSelectors.Single()}");
        Assert.Contains(pair.Moon.Effects, effect => effect is Effect.AssignDns dns && dns.Servers.Single() == IpAddress.Parse("10.2.0.53"));
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 2, false, outbox));
        pair.World.Run(1);
        Assert.Equal(0, pair.Sun.Leases);
        Assert.Contains(pair.Moon.Effects, effect => effect is Effect.ReleaseAddress);
    }

    [Fact]
    public void Addresses_may_be_pushed()
    {
        var pair = Two(c => c with { Push = true });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal(["10.9.0.1"], pair.Moon.V1.Status(pair.World.Now).LocalVirtualAddresses.Select(address => $"{address}"));
    }

    [Fact]
    public void A_wrong_password_is_refused_and_called_one_at_both_ends()
    {
        var pair = Two();
        pair.Moon.Keys.RemoveAll(key => key.Kind == SharedKeyKind.Eap);
        pair.Moon.Keys.Add(Configs.Key("guess", "carol") with { Kind = SharedKeyKind.Eap });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(5);
        Assert.Contains("wrong password, or no such user", Assert.Single(pair.Sun.Failures));
        Assert.Contains("does not take name and password", pair.Moon.Outcome(1)!.Sentence);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void The_user_decides_which_connection_it_is()
    {
        var pair = Two();
        var carols = pair.Sun.Connections.Single();
        pair.Sun.Connections.Insert(0, carols with
        {
            Name = "dave",
            Pools = [],
            Remote = [new AuthenticationRound(), new AuthenticationRound { Kind = AuthenticationKind.Xauth, XauthId = Identity.Parse("dave") }],
        });
        pair.Sun.Connections[1] = carols with
        {
            Name = "carol",
            Remote = [new AuthenticationRound(), new AuthenticationRound { Kind = AuthenticationKind.Xauth, XauthId = Identity.Parse("carol") }],
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal("carol", pair.Sun.V1.Connection!.Name);
    }

    [Fact]
    public void Several_users_may_be_asked_for_one_after_the_other()
    {
        var pair = Two();
        var gateway = pair.Sun.Connections[0];
        pair.Sun.Connections[0] = gateway with { Remote = [.. gateway.Remote, new AuthenticationRound { Kind = AuthenticationKind.Xauth }] };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal(2, pair.Sun.Events.OfType<Event.Note>().Count(note => note.Text.Contains("successful")));
    }

    [Fact]
    public void A_successor_keeps_address_and_children()
    {
        var pair = Two();
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 3, outbox));
        pair.World.Run(60);
        MainModeStories.IsUp(pair);
        Assert.Null(pair.Moon.Outcome(3));
        Assert.Equal(1, pair.Sun.Leases);
        Assert.Equal(["10.9.0.1"], pair.Moon.V1.Status(pair.World.Now).LocalVirtualAddresses.Select(address => $"{address}"));
        Assert.DoesNotContain(pair.Moon.Effects, effect => effect is Effect.ReleaseAddress);
    }

    static Pair Two(Func<Connection, Connection>? change = null)
    {
        ImmutableArray<AuthenticationRound> Rounds(AuthenticationRound proving, Identity? user) => [proving, new() { Kind = AuthenticationKind.Xauth, XauthId = user }];
        var pair = MainModeStories.Two(
            moon: c => c with
            {
                Local = Rounds(c.Local[0], Identity.Parse("carol")),
                VirtualAddresses = [IpAddress.AnyV4],
                Children = [Configs.Child("net", "dynamic", "10.2.0.0/16")],
            },
            sun: c => c with
            {
                Remote = Rounds(new AuthenticationRound(), null),
                Pools = ["pool"],
                Children = [Configs.Child("net", "10.2.0.0/16", "dynamic")],
            },
            change: change);
        pair.Sun.Pools["pool"] = new() { Name = "pool", Addresses = new(IpAddress.Parse("10.9.0.1"), IpAddress.Parse("10.9.0.9")), Dns = [IpAddress.Parse("10.2.0.53")] };
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Keys.Add(Configs.Key("4iChxLT3", "carol") with { Kind = SharedKeyKind.Eap });
        return pair;
    }
}

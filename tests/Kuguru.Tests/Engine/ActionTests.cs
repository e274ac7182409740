using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Tests.Ike;
using Xunit;

namespace Kuguru.Tests.Engine;

/// <summary>What a node does by itself: <c>start_action</c>, <c>close_action</c>, <c>dpd_action</c>, <c>unique</c>, IKE SAs alone, shunts.</summary>
public class ActionTests
{
    [Theory]
    [InlineData(StartAction.None, 0, 0)]
    [InlineData(StartAction.Trap, 1, 0)]
    [InlineData(StartAction.Start, 0, 1)]
    [InlineData(StartAction.Trap | StartAction.Start, 1, 1)]
    public void Start_action_none_trap_and_start(StartAction action, int traps, int children)
    {
        var pair = new NodePair(c => Only(c, child => child with { StartAction = action }));
        pair.Run(2);
        Assert.Equal((traps, children), (Traps(pair.Moon), pair.Moon.Sas.Sum(sa => sa.Children.Length)));
        // What load has brought up, unload takes down.
        pair.Moon.Unload("gw");
        pair.Run(2);
        Assert.Equal((0, 0), (Traps(pair.Moon), pair.Moon.Sas.Sum(sa => sa.Children.Length)));
    }

    [Theory]
    [InlineData(CloseAction.Clear, 0, 0)]
    [InlineData(CloseAction.Trap, 1, 0)]
    [InlineData(CloseAction.Start, 0, 1)]
    public void Close_action_is_for_what_the_peer_closes(CloseAction action, int traps, int children)
    {
        foreach (var ike in (bool[])[false, true])
        {
            var pair = new NodePair(c => Only(c, child => child with { CloseAction = action })).Up();
            pair.Sun.Order(token => new Order.Terminate(token, ike ? new SaFilter(Ike: "gw") : new SaFilter(Child: "net")));
            pair.Run(5);
            Assert.Equal((traps, children), (Traps(pair.Moon), pair.Moon.Sas.Sum(sa => sa.Children.Length)));
        }
    }

    [Theory]
    [InlineData(CloseAction.Clear, 0, 0)]
    [InlineData(CloseAction.Trap, 1, 0)]
    [InlineData(CloseAction.Start, 0, 1)]
    public void Dpd_action_is_for_a_peer_that_does_not_answer(CloseAction action, int traps, int children)
    {
        var pair = new NodePair(c => Only(c, child => child with { DpdAction = action }) with { DpdDelay = TimeSpan.FromSeconds(10), KeyingTries = 0 }).Up();
        pair.Loses = (_, _) => true;
        pair.Run(200);
        Assert.Equal((traps, 0), (Traps(pair.Moon), pair.Moon.Sas.Sum(sa => sa.Children.Length)));
        Assert.Equal(action == CloseAction.Start ? 1 : 0, pair.Moon.Sas.Count());
        pair.Loses = (_, _) => false;
        pair.Run(120);
        Assert.Equal(children, pair.Moon.Sas.Sum(sa => sa.Children.Length));
    }

    [Theory]
    [InlineData(2, UniquePolicy.Never, 2, 2)]
    [InlineData(2, UniquePolicy.No, 2, 2)]
    [InlineData(2, UniquePolicy.Replace, 1, 2)]
    [InlineData(2, UniquePolicy.Keep, 1, 1)]
    [InlineData(1, UniquePolicy.Never, 2, 2)]
    [InlineData(1, UniquePolicy.No, 2, 2)]
    [InlineData(1, UniquePolicy.Replace, 1, 2)]
    [InlineData(1, UniquePolicy.Keep, 1, 1)]
    public void A_second_IKE_SA_of_one_identity_from_elsewhere_is_judged_by_unique(int version, UniquePolicy policy, int left, int newest)
    {
        // As if another device had moon's identity: no INITIAL_CONTACT, and no word of the older IKE SA.
        var pair = new NodePair(c => c with { Version = version, Unique = UniquePolicy.Never }, c => c with { Version = version, Unique = policy, RemoteAddresses = [] }).Up();
        var isLost = true;
        pair.Loses = (from, _) => isLost && from == pair.Moon;
        pair.Moon.Order(token => new Order.Terminate(token, new SaFilter(Ike: "gw"), Force: true));
        pair.Run(0.1);
        (isLost, pair.Moon.Address) = (false, IpAddress.Parse("192.0.2.77"));
        pair.Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        pair.Run(2);
        Assert.Equal((left, (uint)newest), (pair.Sun.Sas.Count(), pair.Sun.Sas.Last().UniqueId));
    }

    [Fact]
    public void An_IKE_SA_alone_is_brought_up_once_and_children_follow_on_it()
    {
        var pair = new NodePair();
        var first = pair.Moon.Order(token => new Order.Initiate(token, "gw", null));
        pair.Run(2);
        var second = pair.Moon.Order(token => new Order.Initiate(token, "gw", null));
        Assert.Equal((null, null), (pair.Moon.Outcome(first), pair.Moon.Outcome(second)));
        Assert.Empty(Assert.Single(pair.Moon.Sas).Children);
        pair.Up();
        Assert.Equal("net", Assert.Single(Assert.Single(pair.Moon.Sas).Children).Name);
        Assert.Equal(FailureCode.UnknownConnection, pair.Moon.Outcome(pair.Moon.Order(token => new Order.Initiate(token, "nobody", null)))!.Code);
    }

    [Theory]
    [InlineData(ChildMode.Pass)]
    [InlineData(ChildMode.Drop)]
    public void A_shunt_is_there_from_load_to_unload_and_is_no_tunnel(ChildMode mode)
    {
        var pair = new NodePair(c => Only(c, child => child with { Mode = mode, StartAction = StartAction.Trap }));
        var installed = Assert.Single(pair.Moon.Effects.OfType<Effect.InstallTrap>());
        Assert.Equal((mode, "[10.1.0.0/16]", "[10.2.0.0/16]"), (installed.Child.Mode, $"[{string.Join(' ', installed.Local)}]", $"[{string.Join(' ', installed.Remote)}]"));
        var up = pair.Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        Assert.Equal("child 'net' is no tunnel but a shunt: install it instead", pair.Moon.Outcome(up)!.Sentence);
        // A packet for it asks for nothing.
        pair.Moon.Tell(new Order.Acquire(installed.ReqId));
        pair.Run(5);
        Assert.Empty(pair.Moon.Sas);
        var out1 = pair.Moon.Order(token => new Order.Uninstall(token, "gw", "net"));
        var in1 = pair.Moon.Order(token => new Order.Install(token, "gw", "net"));
        Assert.Equal((null, null), (pair.Moon.Outcome(out1), pair.Moon.Outcome(in1)));
        pair.Moon.Unload("gw");
        Assert.Equal(2, pair.Moon.Effects.OfType<Effect.RemoveTrap>().Count());
        Assert.Equal(0, Traps(pair.Moon));
    }

    [Fact]
    public void Loaded_again_a_connection_has_the_traps_that_it_says_now()
    {
        var pair = new NodePair(c => Only(c, child => child with { StartAction = StartAction.Trap }));
        var (first, loaded) = (Assert.Single(pair.Moon.Node.TrapStatus), pair.Moon.Node.Connections.Find("gw")!);
        // The same once more, built anew: nothing happens to the trap, and what it brings up is by the new one.
        var before = pair.Moon.Effects.Count;
        var same = Only(loaded, child => child with { LocalSelectors = [.. child.LocalSelectors], Proposals = Configs.Esp("aes128gcm16-x25519") }) with { KeyingTries = 7 };
        Assert.True(same.Children[0].IsSameAs(first.Child));
        pair.Moon.Load(same);
        Assert.DoesNotContain(pair.Moon.Effects.Skip(before), effect => effect is Effect.RemoveTrap or Effect.InstallTrap);
        Assert.Equal(7, Assert.Single(pair.Moon.Node.TrapStatus).Connection.KeyingTries);
        // Other selectors.
        pair.Moon.Load(Only(loaded, child => child with { RemoteSelectors = [new(AddressRange.Prefix(IpAddress.Parse("10.9.0.0"), 16))] }));
        Assert.Equal("10.9.0.0/16", $"{Assert.Single(Assert.Single(pair.Moon.Node.TrapStatus).Remote)}");
        // A shunt of the same name, a peer that is elsewhere, and no trap at all.
        pair.Moon.Load(Only(loaded, child => child with { Mode = ChildMode.Pass }));
        Assert.Equal(ChildMode.Pass, Assert.Single(pair.Moon.Node.TrapStatus).Child.Mode);
        pair.Moon.Load(Only(loaded, child => child with { RemoteSelectors = [SelectorTemplate.Dynamic] }) with { RemoteAddresses = [AddressPattern.Of(IpAddress.Parse("192.0.2.9"))] });
        pair.Moon.Load(Only(loaded, child => child with { RemoteSelectors = [SelectorTemplate.Dynamic] }));
        Assert.Equal("192.0.2.2/32", $"{Assert.Single(Assert.Single(pair.Moon.Node.TrapStatus).Remote)}");
        pair.Moon.Load(Only(loaded, child => child with { StartAction = StartAction.None }));
        Assert.Equal(0, Traps(pair.Moon));
        // What was installed by order stays, as the child is now.
        pair.Moon.Order(token => new Order.Install(token, "gw", "net"));
        pair.Moon.Load(Only(loaded, child => child with { StartAction = StartAction.None, RekeyTime = TimeSpan.FromMinutes(7) }));
        Assert.Equal(TimeSpan.FromMinutes(7), Assert.Single(pair.Moon.Node.TrapStatus).Child.RekeyTime);
        pair.Moon.Load(loaded with { Children = [] });
        Assert.Equal(0, Traps(pair.Moon));
    }

    [Fact]
    public void A_way_that_is_found_too_late_traps_nothing_that_is_not_wanted_any_longer()
    {
        var pair = new NodePair();
        var loaded = pair.Moon.Node.Connections.Find("gw")!;
        pair.Moon.Searches = [];
        pair.Moon.Load(Only(loaded, child => child with { StartAction = StartAction.Trap }));
        pair.Moon.Load(Only(loaded, child => child with { StartAction = StartAction.None }));
        var path = new Path(new(pair.Moon.Address, 500), new(pair.Sun.Address, 500));
        pair.Moon.Tell(new Order.PathFound(pair.Moon.Searches[0].Request, path, ""));
        Assert.Equal(0, Traps(pair.Moon));
    }

    [Fact]
    public void A_started_child_that_the_connection_no_longer_has_ends_and_does_not_come_back()
    {
        var pair = new NodePair(c => c with { Children = [.. c.Children.Select(child => child with { StartAction = StartAction.Start, CloseAction = CloseAction.Start })] });
        pair.Run(3);
        Assert.Equal(2, Assert.Single(pair.Moon.Sas).Children.Length);
        var loaded = pair.Moon.Node.Connections.Find("gw")!;
        pair.Moon.Load(loaded with { Children = [loaded.Children[1]] });
        pair.Run(3);
        Assert.Equal("more", Assert.Single(pair.Moon.Sas.SelectMany(sa => sa.Children)).Name);
        pair.Moon.Load(loaded with { Children = [] });
        pair.Run(3);
        Assert.Empty(pair.Moon.Sas.SelectMany(sa => sa.Children));
        // Nor does one whose end is the peer's wish.
        pair.Moon.Load(loaded with { Children = [loaded.Children[0] with { StartAction = StartAction.None }] });
        pair.Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        pair.Run(3);
        pair.Moon.Load(loaded with { Children = [] });
        pair.Sun.Order(token => new Order.Terminate(token, new SaFilter(Child: "net")));
        pair.Run(3);
        Assert.Empty(pair.Moon.Sas.SelectMany(sa => sa.Children));
    }

    static Connection Only(Connection connection, Func<ChildConfig, ChildConfig> change) => connection with { Children = [change(connection.Children[0])] };

    static int Traps(NodePair.Side side) => side.Node.TrapStatus.Count();
}

using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Wire;
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
    [InlineData(UniquePolicy.Never, 2, 2)]
    [InlineData(UniquePolicy.No, 2, 2)]
    [InlineData(UniquePolicy.Replace, 1, 2)]
    [InlineData(UniquePolicy.Keep, 1, 1)]
    public void A_second_IKE_SA_of_one_identity_from_elsewhere_is_judged_by_unique(UniquePolicy policy, int left, int newest)
    {
        // As if another device had moon's identity: no INITIAL_CONTACT, and no word of the older IKE SA.
        var pair = new NodePair(sun: c => c with { Unique = policy, RemoteAddresses = [] }).Up();
        pair.Moon.Address = IpAddress.Parse("192.0.2.77");
        pair.Loses = (from, bytes) => from == pair.Moon && bytes.Span[18] == (byte)ExchangeType.Informational;
        pair.Moon.Order(token => new Order.Rekey(token, new SaFilter(Ike: "gw"), Reauthenticate: true));
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

    static Connection Only(Connection connection, Func<ChildConfig, ChildConfig> change) => connection with { Children = [change(connection.Children[0])] };

    static int Traps(NodePair.Side side) => side.Node.TrapStatus.Count();
}

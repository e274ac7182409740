using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Loss, duplication and reordering while both ends rekey, add and delete as they like: afterwards both ends agree.</summary>
public class StormTests
{
    const int Seeds = 100;

    [Fact]
    public void After_any_storm_both_ends_have_the_same_SAs_or_none()
    {
        var up = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            var pair = new Pair(moon: Dpd, sun: Dpd, seed: seed);
            pair.World.Loses = (_, _) => random.Next(5) == 0;
            pair.World.Copies = () => random.Next(5) == 0 ? 2 : 1;
            pair.World.Shuffle = true;
            pair.Moon.Up(pair.Sun);
            for (var step = 0; step < 30; step++)
            {
                pair.World.Run(random.NextDouble() * 10);
                Act(pair, random.Next(2) == 0 ? pair.Moon : pair.Sun, random);
            }
            pair.World.Loses = (_, _) => false;
            pair.World.Run(600);
            up += Agree(pair, seed);
        }
        Assert.True(up > Seeds / 2, $"only {up} of {Seeds} survived");

        static Connection Dpd(Connection c) => c with { DpdDelay = TimeSpan.FromSeconds(30), KeyingTries = 3, Children = [c.Children[0], c.Children[0] with { Name = "more", LocalSelectors = c.Children[0].LocalSelectors }] };
    }

    static void Act(Pair pair, Host host, Random random)
    {
        foreach (var session in host.Sessions.Where(session => session.State == IkeState.Established).ToList())
        {
            var children = session.Status(pair.World.Now).Children;
            switch (random.Next(6))
            {
                case 0:
                    session.RekeyIke(pair.World.Now, 0, host.Outbox);
                    break;
                case 1 or 2 when !children.IsEmpty:
                    session.RekeyChild(pair.World.Now, children[random.Next(children.Length)].UniqueId, 0, host.Outbox);
                    break;
                case 3 when children.Length < 3:
                    session.RequestChild(pair.World.Now, session.Connection!.Children[1], 0, host.Outbox);
                    break;
                case 4 when children.Length > 1:
                    session.TerminateChild(pair.World.Now, children[random.Next(children.Length)].UniqueId, 0, force: false, host.Outbox);
                    break;
                default:
                    break;
            }
        }
        host.Obey();
    }

    static int Agree(Pair pair, int seed)
    {
        var moon = pair.Moon.Sessions.Cast<Kuguru.Ike.V2.IkeV2Session>().Select(session => (session.LocalSpi, session.RemoteSpi, session.State)).Order().ToList();
        var sun = pair.Sun.Sessions.Cast<Kuguru.Ike.V2.IkeV2Session>().Select(session => (session.RemoteSpi, session.LocalSpi, session.State)).Order().ToList();
        Assert.True(moon.SequenceEqual(sun), $"seed {seed}: IKE SAs {string.Join(' ', moon)} at moon, {string.Join(' ', sun)} at sun\n{pair.World.Transcript}");
        Assert.All(moon, sa => Assert.Equal(IkeState.Established, sa.State));
        var moonChildren = pair.Moon.Installed.Values.Select(sa => (sa.InboundSpi.Value, sa.OutboundSpi.Value)).Order().ToList();
        var sunChildren = pair.Sun.Installed.Values.Select(sa => (sa.OutboundSpi.Value, sa.InboundSpi.Value)).Order().ToList();
        Assert.True(moonChildren.SequenceEqual(sunChildren), $"seed {seed}: children {string.Join(' ', moonChildren)} at moon, {string.Join(' ', sunChildren)} at sun\n{pair.World.Transcript}");
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
        {
            Assert.Equal(host.Installed.Keys.Select(spi => spi.Value).Order(), host.Sessions.SelectMany(session => session.InboundSpis).Select(spi => spi.Value).Order());
            Assert.All(host.Sessions.SelectMany(session => session.Status(pair.World.Now).Children), child => Assert.Equal(ChildState.Installed, child.State));
            Assert.Equal(host.Installed.Values.Select(sa => sa.ReqId).Distinct().Order(), host.ReqIds.Order());
        }
        foreach (var sa in pair.Moon.Installed.Values)
            Assert.Equal((sa.InboundKeys, sa.OutboundKeys), (pair.Sun.Installed[sa.OutboundSpi].OutboundKeys, pair.Sun.Installed[sa.OutboundSpi].InboundKeys));
        return moon.Count;
    }
}

using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>What happens to hosts and NATs in the middle of a rekeying, at every moment of it.</summary>
public sealed class MishapStories
{
    public static TheoryData<string, bool, bool> Mishaps
    {
        get
        {
            var all = new TheoryData<string, bool, bool>();
            foreach (var mishap in (string[])["reboot", "renumber", "roam", "client dies", "gateway dies", "sleep"])
            {
                foreach (var ike in (bool[])[false, true])
                {
                    foreach (var byClient in (bool[])[false, true])
                        all.Add(mishap, ike, byClient);
                }
            }
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Mishaps))]
    public void Whatever_happens_in_the_middle_of_a_rekeying_the_tunnel_is_up_soon_and_both_ends_agree(string mishap, bool ike, bool byClient)
    {
        for (var at = 0; at <= 260; at += 20)
        {
            var scene = Scene.Between(Sites.With(new() { Ports = PortAssignment.Random }), Sites.Public, new() { Seed = (ulong)at + 1, Client = Started, Gateway = Quiet });
            var elsewhere = Sites.Napt(scene.World.Internet, "elsewhere");
            scene.World.Internet.Link = new() { Latency = TimeSpan.FromMilliseconds(50) };
            scene.RunFor(TimeSpan.FromSeconds(3));
            Assert.Single(scene.Client.Children);
            if (byClient)
                scene.Client.Rekey(ike ? new(Ike: Scene.ConnectionName) : new(Child: Scene.ChildName));
            else
                scene.Gateway.Rekey(ike ? new(IkeId: 1) : new(Child: Scene.ChildName));
            scene.RunFor(TimeSpan.FromMilliseconds(at));
            var client = scene.Client;
            switch (mishap)
            {
                case "reboot":
                    scene.ClientSite.Nat.Reboot();
                    break;
                case "renumber":
                    scene.ClientSite.Nat.Renumber();
                    break;
                case "roam":
                    client.Roam(elsewhere.Lan);
                    break;
                case "client dies":
                    client.PowerOff();
                    client = new Peer(scene.World, "client again", scene.ClientSite.Lan, null, client.Address);
                    scene.Equip(client, "client@kuguru.example");
                    break;
                case "gateway dies":
                    scene.RestartGateway();
                    break;
                default:
                    client.Sleep();
                    scene.RunFor(TimeSpan.FromMinutes(10));
                    client.WakeUp();
                    break;
            }
            // Somebody has something to say.
            for (var second = 0; second < 15; second++)
            {
                client.Ping(scene.Server.Address);
                scene.RunFor(TimeSpan.FromSeconds(1));
            }
            var label = $"{mishap} {(ike ? "IKE" : "child")} by {(byClient ? "client" : "gateway")} after {at} ms";
            Assert.True(scene.PingsBothWays(client), $"{label}: {Events(scene.Gateway)}\n{Events(client)}\n{scene.Why()}");
            scene.RunFor(TimeSpan.FromMinutes(6));
            Assert.True(Ends.Disagreement([client], scene.Gateway) is null, $"{label}: {Ends.Disagreement([client], scene.Gateway)}\n{Events(client)}\n{Events(scene.Gateway)}");
            Assert.True(client.Status().Count() == 1 && client.Children.Count == 1, $"{label}: {client.Status().Count()} IKE SAs, {client.Children.Count} children");
            Assert.True(scene.PingsBothWays(client), label);
            Assert.Equal(client.Sa.Path, client.Children.Single().Sa.Path);
        }
    }

    static string Events(Peer peer) => string.Join("\n", peer.Events.TakeLast(12).Select(e => $"{peer} {e.At} {e.Event.Sentence}"));

    static Connection Quiet(Connection c) => c with { RekeyTime = TimeSpan.Zero, DpdDelay = TimeSpan.FromSeconds(30), Children = [c.Children[0] with { RekeyTime = TimeSpan.Zero }] };

    static Connection Started(Connection c)
    {
        var quiet = Quiet(c);
        return quiet with { KeyingTries = 0, Children = [quiet.Children[0] with { StartAction = StartAction.Start, DpdAction = CloseAction.Start, CloseAction = CloseAction.Start }] };
    }
}

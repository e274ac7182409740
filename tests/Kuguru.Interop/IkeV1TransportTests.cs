using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// Transport mode over IKEv1 with charon, through two NATs, up to the point where charon would need a kernel that has it: what each says of the two ends,
/// the other reads and agrees to.
/// </summary>
public class IkeV1TransportTests
{
    const string Payloads = @"\d+ \[ HASH SA No ID ID NAT-OA NAT-OA \]";

    [Fact]
    public void Charon_answers_Kuguru()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Both);
        var (near, far) = Talk(world, Peer.Kuguru, Peer.Charon);
        using (near)
        using (far)
        {
            Assert.Matches($"parsed QUICK_MODE request {Payloads}", far.Log);
            Assert.Matches($"generating QUICK_MODE response {Payloads}", far.Log);
            Assert.Matches(@"CHILD_SA host\{1\} established .* TS 10\.1\.0\.10/32 === 192\.0\.2\.3/32", near.Log);
            Wait.Until("charon tries to install it", TimeSpan.FromSeconds(5), () => far.Log.Contains("IPsec SA: unsupported mode", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Charon_asks_Kuguru()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Both);
        var (near, far) = Talk(world, Peer.Charon, Peer.Kuguru);
        using (near)
        using (far)
        {
            Assert.Matches($"generating QUICK_MODE request {Payloads}", near.Log);
            Assert.Matches($"parsed QUICK_MODE response {Payloads}\n.*selected proposal: ESP:AES_GCM_16_128/NO_EXT_SEQ\n.*IPsec SA: unsupported mode", near.Log);
            Assert.Contains("client1.example is seen under other addresses here: 192.0.2.1/32 as 198.1", far.Log, StringComparison.Ordinal);
        }
    }

    static (IkeDaemon Near, IkeDaemon Far) Talk(RoadWarriors world, Peer client, Peer gateway)
    {
        var (near, far) = (client.On(world.Clients[0]), gateway.On(world.Gateway));
        // Charon looks for a key by address in main mode: one for everybody.
        far.Load(TransportHosts.Server().Replace("id = client1.example", "", StringComparison.Ordinal));
        near.Load(TransportHosts.Client(1, world.GatewayAddress, version: 1));
        near.TrySwanctl("--initiate", "--child", "host", "--timeout", "10");
        return (near, far);
    }
}

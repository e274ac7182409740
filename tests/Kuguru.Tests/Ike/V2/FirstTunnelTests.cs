using Xunit;

namespace Kuguru.Tests.Ike.V2;

public class FirstTunnelTests
{
    [Fact]
    public void Two_exchanges_bring_up_an_ike_sa_and_a_child()
    {
        var world = new World();
        var moon = world.Add("192.0.2.1");
        var sun = world.Add("192.0.2.2");
        moon.Connections.Add(Configs.Connection("moon.example.org", "sun.example.org", Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16")));
        sun.Connections.Add(Configs.Connection("sun.example.org", "moon.example.org", Configs.Child("net", "10.2.0.0/16", "10.1.0.0/16")));
        moon.Keys.Add(Configs.Key("secret", "sun.example.org"));
        sun.Keys.Add(Configs.Key("secret", "moon.example.org"));

        moon.Up(sun);
        world.Run(1);

        Assert.Equal("""
            0.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            0.05 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(CHILDLESS_IKEV2_SUPPORTED) }
            0.10 > IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, SA, TSi, TSr }
            0.15 < IKE_AUTH response 1 { IDr, AUTH, SA, TSi, TSr }

            """, world.Transcript);
    }
}

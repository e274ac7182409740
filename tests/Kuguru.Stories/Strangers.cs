using System.Buffers.Binary;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>What strangers send: first messages as a client of ours has them, each with another SPI or cookie.</summary>
static class Strangers
{
    public static Blob FirstMessage(SceneOptions? options = null)
    {
        var scene = Scene.Between(Sites.Public, Sites.Public, options);
        scene.Up();
        scene.RunFor(TimeSpan.FromMilliseconds(1));
        return scene.World.Transcript.Crossings.First().Packet.Payload;
    }

    public static Blob WithSpi(Blob message, ulong spi)
    {
        var bytes = message.ToArray();
        BinaryPrimitives.WriteUInt64BigEndian(bytes, spi | 1);
        return bytes;
    }
}

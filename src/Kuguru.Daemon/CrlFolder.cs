using Kuguru.Ike;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon;

/// <summary>
/// The folder of CRLs beside swanctl.conf, where those that were fetched are kept (strongswan.conf <c>cache_crls</c>). Disks may be slow: files are written one
/// after the other, off the control loop.
/// </summary>
public sealed class CrlFolder(string path, ILogger log) : IDisposable
{
    const UnixFileMode Everybodys = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    const UnixFileMode FolderMode = Everybodys | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>For what is still to be written at the end.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    Task _writing = Task.CompletedTask;

    public string Path => path;

    public void Keep(Effect.KeepCrl crl) => _writing = _writing.ContinueWith(_ => Write(crl), TaskScheduler.Default);

    public void Dispose() => _writing.Wait(Patience);

    /// <summary>A file in the folder is never half written; a folder inside is where swanctl does not look.</summary>
    void Write(Effect.KeepCrl crl)
    {
        var file = System.IO.Path.Combine(path, crl.Name);
        var drafts = System.IO.Path.Combine(path, ".new");
        try
        {
            Directory.CreateDirectory(path, FolderMode);
            Directory.CreateDirectory(drafts, FolderMode);
            var draft = System.IO.Path.Combine(drafts, crl.Name);
            File.Delete(draft);
            using (var stream = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Everybodys }))
            {
                stream.Write(crl.Der.Span);
                stream.Flush(flushToDisk: true);
            }
            File.Move(draft, file, overwrite: true);
            Directory.Delete(drafts);
            log.WroteCrl(file, crl.Der.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.CrlNotWritten(file, e.Message);
        }
    }
}
